using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Authentication;

/// <summary>
/// Hears of everybody whose access is taken away, at whichever coordinator, and ends the calls that are open here; and of whom it is given
/// back to.
/// </summary>
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
                await LookAsync(found.Epoch != epoch && epoch != Guid.Empty ? [.. found.Ids, .. calls.Callers] : found.Ids, stoppingToken);
                (epoch, seen) = (found.Epoch, found.Seen);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                logger.NotHeard(error.GetBaseException().Message);
                await Task.Delay(Pause, time, stoppingToken);
            }
        }
    }

    private async Task LookAsync(IReadOnlyCollection<string> callers, CancellationToken cancellationToken)
    {
        if (callers.Count == 0)
            return;
        var people = (await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).ListAsync(cancellationToken))
            .ToDictionary(entry => entry.Id, entry => entry.Revoked, StringComparer.Ordinal);
        foreach (var caller in callers.Where(caller => caller is not (Roles.Operator or Roles.Auditor)).Distinct())
        {
            if (people.TryGetValue(caller, out var isRevoked) ? isRevoked : await IsGoneAsync(caller, cancellationToken))
                calls.End(caller);
            else
                calls.Admit(caller);
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
