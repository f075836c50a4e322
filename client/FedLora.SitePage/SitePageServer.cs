using System.Net;
using System.Security.Cryptography;
using System.Text;
using FedLora.Dashboard.Hosting;
using FedLora.Privacy.Ledger;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.SitePage;

/// <summary>
/// The site's own page: what its node has spent, for whom, what it sends, allows and does, by its own folder. Served on loopback only, to
/// whoever has the link; the link's key is drawn anew at every start and kept nowhere.
/// </summary>
public sealed class SitePageServer : IAsyncDisposable
{
    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        ["style.css"] = "text/css; charset=utf-8",
        ["live.js"] = "text/javascript; charset=utf-8",
        ["icon.svg"] = "image/svg+xml",
    };

    private readonly string _folder;
    private readonly SitePolicy? _policy;
    private readonly FolderChanges _changes;
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(24);
    private readonly SemaphoreSlim _reading = new(1);
    private readonly WebApplication _web;
    private (DateTime Stamp, SiteView View)? _read;

    private SitePageServer(string folder, SitePolicy? policy, int port, TimeProvider time)
    {
        (_folder, _policy) = (folder, policy);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddRoutingCore();
        _web = builder.Build();
        _changes = new FolderChanges(folder, time, _web.Lifetime);
        _web.Use((http, next) =>
        {
            PageHeaders.Set(http.Response.Headers, "'none'");
            return next(http);
        });
        _web.UseRouting();
        _web.MapGet("/{key}/", (HttpContext http, string key) => PageAsync(http, key));
        _web.MapGet("/{key}/assets/{name}", (string key, string name) => IsKey(key) ? Asset(name) : Results.NotFound());
        _web.MapGet("/{key}/events", (HttpContext http, string key) => IsKey(key)
            ? TypedResults.ServerSentEvents(_changes.WatchAsync(http.RequestAborted), "changed")
            : Results.NotFound());
        _web.MapFallback(() => Results.Text("Nothing is here. The link is printed by: fedlora client page", statusCode: 404));
    }

    /// <summary>What opens the page, e.g. <c>http://127.0.0.1:5082/KEY/</c>.</summary>
    public Uri Link => new(new Uri(_web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()),
        $"/{Key}/");

    private string Key => Convert.ToHexStringLower(_key);

    /// <summary>Starts to serve.</summary>
    /// <param name="folder">The node's state folder.</param>
    /// <param name="policy">What the site allows; null where no policy file is named.</param>
    /// <param name="port">Of loopback; 0 = any that is free.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="FedLoraException"><c>state-missing</c>, <c>ledger-damaged</c>, <c>port-taken</c>.</exception>
    public static async Task<SitePageServer> StartAsync(string folder, SitePolicy? policy, int port, TimeProvider time,
        CancellationToken cancellationToken)
    {
        // What is wrong with the folder is said before there is a link.
        SiteView.Read(folder, policy, cancellationToken);
        var server = new SitePageServer(folder, policy, port, time);
        try
        {
            await server._web.StartAsync(cancellationToken);
            return server;
        }
        catch (Exception error)
        {
            await server.DisposeAsync();
            throw error is IOException
                ? new FedLoraException("port-taken", $"cannot listen on 127.0.0.1:{port}: {error.Message}", "Give another --port, or 0.",
                    error)
                : error;
        }
    }

    /// <summary>Serves until it is cancelled.</summary>
    public Task ServeAsync(CancellationToken cancellationToken) => _web.WaitForShutdownAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        _reading.Dispose();
    }

    private static IResult Asset(string name) => Types.TryGetValue(name, out var type)
        ? Results.Stream(typeof(SitePageServer).Assembly.GetManifestResourceStream($"assets/{name}")!, type) : Results.NotFound();

    private bool IsKey(string key) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(Key));

    private async Task<IResult> PageAsync(HttpContext http, string key)
    {
        if (!IsKey(key))
            return Results.NotFound();
        var given = new Dictionary<string, object?>(StringComparer.Ordinal);
        try
        {
            given[nameof(Page.View)] = await ReadAsync(http.RequestAborted);
        }
        catch (FedLoraException error)
        {
            given[nameof(Page.Problem)] = $"{error.Message}. {error.Hint}";
        }
        await using var renderer = new HtmlRenderer(http.RequestServices, http.RequestServices.GetRequiredService<ILoggerFactory>());
        return Results.Content(
            await renderer.Dispatcher.InvokeAsync(async () =>
                (await renderer.RenderComponentAsync<Page>(ParameterView.FromDictionary(given))).ToHtmlString()),
            "text/html; charset=utf-8");
    }

    // The accountant is asked once for what the node has written, however many windows are open; the rest is read each time.
    private async Task<SiteView> ReadAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            var stamp = _changes.Newest();
            if (_read is { } known && known.Stamp == stamp)
                return known.View with { Status = known.View.Status with { Running = Client.State.NodeFolder.IsHeld(_folder) } };
            var view = await Task.Run(() => SiteView.Read(_folder, _policy, cancellationToken), cancellationToken);
            _read = (stamp, view);
            return view;
        }
        finally
        {
            _reading.Release();
        }
    }
}
