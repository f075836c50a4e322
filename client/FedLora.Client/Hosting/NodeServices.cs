using FedLora.Client.Connection;
using FedLora.Client.Ledger;
using FedLora.Client.Rounds;
using FedLora.Client.State;
using FedLora.Client.Trainers;
using FedLora.Core.Audit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.Hosting;

/// <summary>A training node as a part of a .NET program.</summary>
public static class NodeServices
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Adds a training node that runs as long as the host. What is registered before (a clock, another <see cref="IRoundTrainer"/>, another
    /// <see cref="Backoff"/>) stands.
    /// </summary>
    public static IServiceCollection AddFedLoraNode(this IServiceCollection services, ClientOptions options)
    {
        services.AddLogging().AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IRoundTrainer>(provider =>
        {
            // Data are read whole: a program that is ended while it starts does not wait for that.
            var ending = provider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None;
            return options.Trainer is null ? RoundTrainer.Create(options, ending)
                : ExternalTrainer.Create(options, provider.GetRequiredService<TimeProvider>(),
                    provider.GetRequiredService<ILogger<ExternalTrainer>>(), ending);
        });
        services.AddSingleton(_ => new NodeFolder(options.State));
        services.AddSingleton(provider => AuditLog.Open(AuditLog.FolderIn(provider.GetRequiredService<NodeFolder>().Root)));
        services.AddSingleton(provider => new Lazy<AuditLog>(provider.GetRequiredService<AuditLog>));
        services.AddSingleton<ILoggerProvider, AuditLoggerProvider>();
        services.AddLogging(logging => logging.AddFilter<AuditLoggerProvider>(null, LogLevel.Information));
        // The name is given once, with the enrolment: public counts go by it, whatever a later start calls the node.
        services.AddSingleton(_ => options.AsEnrolled());
        services.AddConnection(options.Coordinator);
        services.AddSingleton(provider => new BlobCache(
            provider.GetRequiredService<NodeFolder>().Cache, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<BlobCache>>(), (long)options.CacheSize << 20));
        services.AddSingleton<AdapterFetcher>();
        services.AddSingleton<Enroller>();
        services.AddSingleton(
            provider => NodeLedger.Open(provider.GetRequiredService<ClientOptions>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SiteRules>();
        services.AddSingleton<NodeInstruments>();
        services.AddSingleton<UpdateSender>();
        services.AddSingleton<RoundRunner>();
        services.TryAddSingleton(_ => new Backoff(FirstPause, LongestPause, Random.Shared));
        services.AddSingleton<NodeDaemon>();
        services.AddSingleton<NodeWorker>();
        return services.AddHostedService(provider => provider.GetRequiredService<NodeWorker>());
    }

    private static void AddConnection(this IServiceCollection services, string url)
    {
        services.AddSingleton(_ => new CoordinatorAddress(url));
        services.AddSingleton<SocketTraffic>();
        services.AddSingleton(
            provider => new PeerIdentity(provider.GetRequiredService<NodeFolder>().Root, "node",
                provider.GetRequiredService<TimeProvider>()));
        services.AddGrpcClient<CoordinatorCalls>(
            (provider, client) => client.Address = provider.GetRequiredService<CoordinatorAddress>().Uri)
            .ConfigurePrimaryHttpMessageHandler(
                provider => provider.GetRequiredService<CoordinatorAddress>()
                    .CreateHandler(provider.GetRequiredService<SocketTraffic>(), provider.GetRequiredService<PeerIdentity>().Options(),
                        provider.GetRequiredService<TimeProvider>()))
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .RemoveAllLoggers();
        services.AddSingleton(provider => new CoordinatorConnection(
            provider.GetRequiredService<CoordinatorAddress>(), provider.GetRequiredService<PeerIdentity>(),
            provider.GetRequiredService<CoordinatorCalls>(),
            provider.GetRequiredService<SocketTraffic>(), provider.GetRequiredService<TimeProvider>()));
    }
}
