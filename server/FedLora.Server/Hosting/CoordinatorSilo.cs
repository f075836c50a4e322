using System.Net;
using System.Net.Sockets;
using FedLora.Server.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Runtime.Hosting;

namespace FedLora.Server.Hosting;

/// <summary>The silo with the coordinator's grains and its stores, all in one data folder.</summary>
public static class CoordinatorSilo
{
    private const int GrainsRemembered = 50_000;

    /// <summary>Adds them.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="root">The data folder: <c>state.db</c>, <c>blobs/</c>, <c>partial/</c>.</param>
    public static void Add(IHostApplicationBuilder builder, string root) => Add(builder, _ => root);

    internal static void Add(IHostApplicationBuilder builder, Func<IServiceProvider, string> root)
    {
        AddGrains(builder);
        builder.Services.AddSingleton<IBlobStore>(
            provider => new FileBlobStore(root(provider), time: provider.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton(provider => new SqliteDatabase(Path.Combine(root(provider), "state.db")));
        builder.UseOrleans(silo =>
        {
            // One silo for one coordinator: a port of its own, so that two coordinators on a machine never meet, and no gateway, since all
            // its callers are in this process.
            silo.UseLocalhostClustering(siloPort: FreePort(IPAddress.Loopback), gatewayPort: 0);
            silo.Services.AddGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
                (services, _) => new SqliteGrainStorage(services.GetRequiredService<SqliteDatabase>()));
        });
    }

    /// <summary>The grains and what looks after them, wherever they are kept.</summary>
    internal static void AddGrains(IHostApplicationBuilder builder)
    {
        builder.Services.AddFedLoraGrains();
        // Where grains are: Orleans makes room for a million at the start, 18 MB of it before there is one.
        builder.Services.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = GrainsRemembered);
        builder.Services.AddHostedService(provider => provider.GetRequiredService<FederationWatch>());
    }

    internal static int FreePort(IPAddress address)
    {
        using var listener = new TcpListener(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
