using FedLora.Client.Rounds;
using Microsoft.Extensions.Hosting;

namespace FedLora.Client.Hosting;

/// <summary>The daemon as a service of its host, which ends when it does.</summary>
internal sealed class NodeWorker(NodeDaemon daemon) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => daemon.RunAsync(stoppingToken);
}
