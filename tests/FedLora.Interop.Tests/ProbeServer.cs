using Fedlora.Probe.V1;
using Grpc.AspNetCore.Server;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FedLora.Interop.Tests;

/// <summary>The probe service over Kestrel on a free port of this machine.</summary>
public sealed class ProbeServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ProbeServer(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public ProbeEvents Events => _app.Services.GetRequiredService<ProbeEvents>();

    public static async Task<ProbeServer> StartAsync(
        Action<GrpcServiceOptions>? options = null, Action<IServiceCollection>? services = null,
        Action<KestrelServerOptions>? kestrel = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(server =>
        {
            server.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2);
            server.Limits.MaxRequestBodySize = null;
            kestrel?.Invoke(server);
        });
        builder.Services.AddSingleton<ProbeEvents>().AddGrpc(options ?? (_ => { }));
        services?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapGrpcService<ProbeService>();
        app.MapGet("/plain", () => "not gRPC");
        await app.StartAsync();
        return new ProbeServer(app);
    }

    public GrpcChannel Channel(Action<GrpcChannelOptions>? configure = null)
    {
        var options = new GrpcChannelOptions();
        configure?.Invoke(options);
        return GrpcChannel.ForAddress(Address, options);
    }

    /// <summary>A client with a channel of its own, which lives as long as the process at most.</summary>
    public Probe.ProbeClient Client(Action<GrpcChannelOptions>? configure = null) => new(Channel(configure));

    /// <summary>Ends the server; calls under way are cut off after the given time.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        using var limit = new CancellationTokenSource(grace);
        await _app.StopAsync(limit.Token);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
