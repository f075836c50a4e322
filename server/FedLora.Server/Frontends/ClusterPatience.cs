using Microsoft.Extensions.Logging;

namespace FedLora.Server.Frontends;

/// <summary>
/// How long a frontend that starts waits for a coordinator with a silo: those that are started together come in any order.
/// </summary>
internal sealed class ClusterPatience(TimeProvider time, ILogger<ClusterPatience> logger) : IClientConnectionRetryFilter
{
    /// <summary>So long.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private readonly long _since = time.GetTimestamp();
    private bool _isTold;

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(_since) >= Longest)
            return false;
        if (!_isTold)
            logger.Waits(Longest.TotalSeconds);
        _isTold = true;
        await Task.Delay(Pause, time, cancellationToken);
        return true;
    }
}
