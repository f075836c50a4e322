using System.Net;
using System.Text.RegularExpressions;
using FedLora.Dashboard.Access;
using FedLora.Dashboard.Hosting;
using FedLora.Protocol.V1;
using Microsoft.Extensions.Hosting;

namespace FedLora.Dashboard.Tests;

/// <summary>A coordinator with its dashboard, and browsers without a screen: HTTP and cookies, nothing else.</summary>
internal sealed partial class Site : IAsyncDisposable
{
    private readonly List<HttpClient> _browsers = [];

    private Site(Bench bench) => Bench = bench;

    internal Bench Bench { get; }

    /// <param name="fill">Fills its store before it starts.</param>
    /// <param name="configure">What it has otherwise than usual.</param>
    /// <param name="postgres">The database that has its state; null: its folder.</param>
    internal static async Task<Site> StartAsync(Func<string, Task>? fill = null, Action<IHostApplicationBuilder>? configure = null,
        string? postgres = null) =>
        new(await Bench.StartAsync(
        folder => fill?.Invoke(Path.Combine(folder, "server")).GetAwaiter().GetResult(),
        builder =>
        {
            configure?.Invoke(builder);
            builder.AddFedLoraDashboard("http://127.0.0.1:0");
        }, options => options.Postgres = postgres));

    /// <summary>A browser that nobody has logged in with; it follows no redirection.</summary>
    internal HttpClient Stranger()
    {
        var browser =
            new HttpClient(new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                CookieContainer = new CookieContainer()
            })
            { BaseAddress = new Uri(Bench.Pages), Timeout = Bench.Never };
        _browsers.Add(browser);
        return browser;
    }

    /// <summary>A one-time link's code.</summary>
    internal async Task<string> CodeAsync(string role)
    {
        var link =
            await Bench.Operator.Upkeep.CreateDashboardLinkAsync(new CreateDashboardLinkRequest { Role = role },
                Bench.Operator.Options(default));
        Assert.StartsWith(Bench.Pages + "/sign-in?code=", link.Url, StringComparison.Ordinal);
        return link.Url[(link.Url.IndexOf('=', StringComparison.Ordinal) + 1)..];
    }

    /// <summary>A browser with a session.</summary>
    internal async Task<HttpClient> LogInAsync(string role)
    {
        var browser = Stranger();
        using var answer = await browser.PostAsync(new Uri("/sign-in", UriKind.Relative), Form(("code", await CodeAsync(role))));
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        return browser;
    }

    /// <summary>Sends a form as the page shows it: with its token.</summary>
    internal static async Task<HttpResponseMessage> SendAsync(HttpClient browser, string page, string to,
        params (string Name, string Value)[] fields)
    {
        var token = FormToken().Match(await browser.GetStringAsync(new Uri(page, UriKind.Relative))).Groups["token"].Value;
        return await browser.PostAsync(new Uri(to, UriKind.Relative), Form([(FormSecret.Field, token), .. fields]));
    }

    internal static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    public async ValueTask DisposeAsync()
    {
        foreach (var browser in _browsers)
            browser.Dispose();
        await Bench.DisposeAsync();
    }

    [GeneratedRegex("name=\"form-token\" value=\"(?<token>[0-9a-f]+)\"")]
    private static partial Regex FormToken();
}

internal static class Browsing
{
    internal static Task<HttpResponseMessage> OpenAsync(this HttpClient browser, string path) =>
        browser.GetAsync(new Uri(path, UriKind.Relative));

    internal static Task<string> TextAsync(this HttpClient browser, string path) => browser.GetStringAsync(new Uri(path, UriKind.Relative));
}
