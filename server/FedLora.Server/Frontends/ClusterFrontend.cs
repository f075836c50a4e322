using FedLora.Server.Hosting;
using FedLora.Server.Stores.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;
using Orleans.Providers;
using Orleans.Runtime.Membership;
using Orleans.Storage;

namespace FedLora.Server.Frontends;

/// <summary>
/// A coordinator without a silo: takes calls, checks who makes them, hashes and stores uploads in the cluster's database, and asks the
/// grains of the cluster's silos by Orleans' client.
/// </summary>
internal static class ClusterFrontend
{
    /// <summary>From one look at the table of members to the next: so much later than the silos it knows of a death.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    internal static void Add(IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddFedLoraGrains();
        ClusterSilo.AddStores(services);
        // For the check of health alone.
        services.AddKeyedSingleton<IGrainStorage>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
            (provider, _) => new PostgresGrainStorage(provider.GetRequiredService<PostgresDatabase>()));
        services.AddSingleton<SiloDeaths>();
        services.AddSingleton<IClusterConnectionStatusObserver>(provider => provider.GetRequiredService<SiloDeaths>());
        builder.UseOrleansClient(client =>
        {
            client.UseAdoNetClustering(
                clustering => clustering.Configure<IOptions<ServerOptions>>(
                    (ado, server) => (ado.Invariant, ado.ConnectionString) = ("Npgsql", server.Value.Postgres!)));
            client.Configure<ClusterOptions>(ClusterSilo.Name);
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = Look);
            client.UseConnectionRetryFilter<ClusterPatience>();
            client.AddOutgoingGrainCallFilter<FrontendCalls>();
        });
        services.Replace(ServiceDescriptor.Singleton<IGatewayListProvider>(
            provider => ActivatorUtilities.CreateInstance<ClusterGateways>(provider,
                ActivatorUtilities.CreateInstance<AdoNetGatewayListProvider>(provider))));
    }
}
