using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Authentication;

/// <summary>Hears of everybody whose access is taken away, at whichever coordinator, and ends the calls that are open here.</summary>
internal sealed class RevocationWatch(OpenCalls calls, IGrainFactory grains, TimeProvider time, ILogger<RevocationWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (epoch, seen) = (Guid.Empty, 0);
        while (true)
        {
            try
            {
                var found = await grains.GetGrain<IRevocationGrain>(IRevocationGrain.Key).WatchAsync(epoch, seen, Step, stoppingToken);
                // Another life of the grain: what it was told before this is not known.
                if (found.Epoch != epoch && epoch != Guid.Empty)
                    await LookAsync(stoppingToken);
                foreach (var id in found.Ids)
                    calls.End(id);
                (epoch, seen) = (found.Epoch, found.Seen);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                logger.NotHeard(error.GetBaseException().Message);
                await Task.Delay(Pause, time, stoppingToken);
            }
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var gone = (await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).ListAsync(cancellationToken)).Where(entry => entry.Revoked)
            .Select(entry => entry.Id).ToHashSet(StringComparer.Ordinal);
        var people = (await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).ListAsync(cancellationToken)).Select(entry => entry.Id)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var caller in calls.Callers)
        {
            if (gone.Contains(caller)
                || (!people.Contains(caller) && caller is not (Roles.Operator or Roles.Auditor)
                    && await IsGoneAsync(caller, cancellationToken)))
                calls.End(caller);
        }
    }

    private async Task<bool> IsGoneAsync(string node, CancellationToken cancellationToken)
    {
        try
        {
            await grains.GetGrain<INodeGrain>(node).RequireActiveAsync(cancellationToken);
            return false;
        }
        catch (RefusedException)
        {
            return true;
        }
    }
}
