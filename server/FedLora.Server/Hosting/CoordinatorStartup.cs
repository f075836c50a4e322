using System.Text;
using FedLora.Server.Authentication;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Hosting;

/// <summary>What is left to do once silo and server run: federations go on, and the folder says where the coordinator is.</summary>
internal sealed class CoordinatorStartup(FederationWatch federations, IServer server, DataFolder folder, IServiceProvider services,
    ILogger<CoordinatorStartup> logger) : IHostedLifecycleService
{
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        // A federation whose round was open when the coordinator died goes on at once, not when the first node asks.
        await federations.LookAsync(cancellationToken);
        AtomicFile.Write(folder.UrlFile, Encoding.ASCII.GetBytes(server.LocalUrl() + "\n"));
        logger.Listening(server.Url(), folder.Root);
    }

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        File.Delete(folder.UrlFile);
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        // Made before the first operator looks for it, not when one first calls.
        _ = services.GetRequiredService<AccessTokens>();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

internal static class ListeningServer
{
    /// <summary>Where it listens, with the port it really has.</summary>
    internal static string Url(this IServer server) => server.Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>The same for a caller on this machine: where it listens on every address, by loopback.</summary>
    internal static string LocalUrl(this IServer server) =>
        server.Url().Replace("://0.0.0.0:", "://127.0.0.1:", StringComparison.Ordinal)
            .Replace("://[::]:", "://[::1]:", StringComparison.Ordinal);
}
