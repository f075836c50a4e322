using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

/// <summary>
/// Sees to it, on every silo, that the federations that have something to do are in some silo's memory: those of a silo that died, and
/// those whose write failed, do not wait for a caller to have their deadlines kept. One that is damaged is named, and the others go on.
/// </summary>
public sealed class FederationWatch(IGrainFactory grains, TimeProvider time, ILogger<FederationWatch> log) : BackgroundService
{
    /// <summary>From one look to the next.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    /// <summary>One look.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        foreach (var federation in await grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(cancellationToken))
        {
            if (federation.State is not (FederationState.Running or FederationState.Paused))
                continue;
            try
            {
                await grains.GetGrain<IFederationGrain>(federation.Name).PingAsync(cancellationToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                log.CannotBeRead(error, federation.Name);
            }
        }

        await grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key).WakeAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            // Whatever it was: one look that fails ends neither the looks that follow nor the coordinator.
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                log.NotLooked(error);
            }
        }
    }
}
