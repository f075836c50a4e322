using System.Net;
using FedLora.Server.Stores.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Runtime.Hosting;

namespace FedLora.Server.Hosting;

/// <summary>A silo of a cluster of coordinators: members, grain states and blobs are in one PostgreSQL database.</summary>
internal static class ClusterSilo
{
    private const string Id = "fedlora";

    internal static void Add(IHostApplicationBuilder builder)
    {
        CoordinatorSilo.AddGrains(builder);
        AddStores(builder.Services);
        builder.Services.AddSingleton<SiloFailure>();
        builder.Services.AddSingleton<IFatalErrorHandler>(provider => provider.GetRequiredService<SiloFailure>());
        builder.UseOrleans(silo =>
        {
            silo.UseAdoNetClustering(
                clustering =>
                    clustering.Configure<IOptions<ServerOptions>>(
                        (ado, server) => (ado.Invariant, ado.ConnectionString) = ("Npgsql", server.Value.Postgres!)));
            silo.Services.AddGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
                (services, _) => new PostgresGrainStorage(services.GetRequiredService<PostgresDatabase>()));
            silo.Configure<ClusterOptions>(Name);
            silo.Services.AddOptions<EndpointOptions>().Configure<IOptions<ServerOptions>>((endpoints, server) =>
            {
                var own = server.Value.SiloEndPoint();
                (endpoints.AdvertisedIPAddress, endpoints.SiloPort, endpoints.GatewayPort) = (own.Address,
                    Port(own.Address, own.Port), Port(own.Address, server.Value.Gateway));
            });
            // A silo that does not answer two probes, a second apart, is suspected; two that suspect it, or the only other one, declare it
            // dead. Calls to its grains fail until then, so this is what a node waits. Twice as tight, a silo that collects its garbage
            // would be taken for dead.
            silo.Configure<ClusterMembershipOptions>(membership =>
            {
                membership.ProbeTimeout = TimeSpan.FromSeconds(1);
                membership.NumMissedProbesLimit = 2;
                membership.NumVotesForDeathDeclaration = 2;
                membership.TableRefreshTimeout = TimeSpan.FromSeconds(2);
                membership.DefunctSiloCleanupPeriod = TimeSpan.FromHours(1);
                membership.DefunctSiloExpiration = TimeSpan.FromDays(1);
            });
        });
        builder.Services.AddHostedService<ClusterMembers>();
    }

    /// <summary>The cluster's database, and the blobs in it.</summary>
    internal static void AddStores(IServiceCollection services)
    {
        services.AddSingleton(provider => PostgresDatabase.Open(Options(provider).Postgres!));
        services.AddSingleton<IBlobStore>(
            provider => new PostgresBlobStore(provider.GetRequiredService<PostgresDatabase>(),
                provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>What silos and frontends of one database know each other by.</summary>
    internal static void Name(ClusterOptions cluster) => (cluster.ClusterId, cluster.ServiceId) = (Id, Id);

    private static int Port(IPAddress address, int asked) => asked == 0 ? CoordinatorSilo.FreePort(address) : asked;

    private static ServerOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<ServerOptions>>().Value;
}
