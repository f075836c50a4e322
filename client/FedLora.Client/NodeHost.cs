using FedLora.Client.Configuration;
using FedLora.Client.Connection;
using FedLora.Client.Rounds;
using FedLora.Client.State;
using FedLora.Client.Training;
using FedLora.Training.Libtorch;
using Microsoft.Extensions.Logging;

namespace FedLora.Client;

/// <summary>Puts a training node together from its options and runs it.</summary>
public static class NodeHost
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="FedLoraException">Options, model, data or state folder cannot be used, or the coordinator refuses this node.</exception>
    public static async Task RunAsync(ClientOptions options, ILoggerFactory logging, CancellationToken cancellation)
    {
        using var folder = new NodeFolder(options.State);
        using var connection = new CoordinatorConnection(options.Coordinator);
        if (options.Threads > 0)
            LibtorchLoader.UseThreads(options.Threads);
        using var trainer = RoundTrainer.Create(options, TimeProvider.System);
        var logger = logging.CreateLogger("fedlora.client");
        var cache = new BlobCache(folder.Cache, TimeProvider.System);
        var runner = new RoundRunner(connection, folder, trainer, new AdapterFetcher(connection, cache), logger, TimeProvider.System);
        var daemon = new NodeDaemon(
            connection, new Enroller(connection, folder, options, logger), runner, trainer, new Backoff(FirstPause, LongestPause, Random.Shared), logger, TimeProvider.System);
        await daemon.RunAsync(cancellation);
    }
}
