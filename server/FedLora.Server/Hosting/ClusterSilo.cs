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
    private const string Name = "fedlora";

    internal static void Add(IHostApplicationBuilder builder)
    {
        CoordinatorSilo.AddGrains(builder);
        builder.Services.AddSingleton(provider => PostgresDatabase.Open(Options(provider).Postgres!));
        builder.Services.AddSingleton<IBlobStore>(
            provider => new PostgresBlobStore(provider.GetRequiredService<PostgresDatabase>(),
                provider.GetRequiredService<TimeProvider>()));
        builder.UseOrleans(silo =>
        {
            silo.UseAdoNetClustering(
                clustering =>
                    clustering.Configure<IOptions<ServerOptions>>(
                        (ado, server) => (ado.Invariant, ado.ConnectionString) = ("Npgsql", server.Value.Postgres!)));
            silo.Services.AddGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
                (services, _) => new PostgresGrainStorage(services.GetRequiredService<PostgresDatabase>()));
            silo.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (Name, Name));
            silo.Services.AddOptions<EndpointOptions>().Configure<IOptions<ServerOptions>>((endpoints, server) =>
            {
                var own = server.Value.SiloEndPoint();
                (endpoints.AdvertisedIPAddress, endpoints.SiloPort, endpoints.GatewayPort) = (own.Address,
                    own.Port == 0 ? CoordinatorSilo.FreePort(own.Address) : own.Port, 0);
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
    }

    private static ServerOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<ServerOptions>>().Value;
}
