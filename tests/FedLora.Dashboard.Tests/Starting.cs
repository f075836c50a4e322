using Microsoft.Extensions.Hosting;

namespace FedLora.Dashboard.Tests;

/// <summary>Does something when the coordinator starts: the way to its services.</summary>
internal sealed class Starting(Action start) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        start();
        return Task.CompletedTask;
    }
}
