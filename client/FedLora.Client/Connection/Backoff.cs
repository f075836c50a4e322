namespace FedLora.Client.Connection;

/// <summary>
/// How long to wait before the next try: doubles from <paramref name="first"/> to <paramref name="most"/>, each wait drawn uniformly from
/// its upper half, so that nodes that lost the coordinator together do not come back together.
/// </summary>
/// <param name="first">The first wait, before jitter.</param>
/// <param name="most">No wait is longer.</param>
/// <param name="random">Source of the jitter.</param>
public sealed class Backoff(TimeSpan first, TimeSpan most, Random random)
{
    private int _failures;

    /// <summary>The wait after one more failure.</summary>
    public TimeSpan Next()
    {
        var full = Math.Min(most.TotalSeconds, first.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 30)));
        return TimeSpan.FromSeconds(full * (0.5 + (random.NextDouble() / 2)));
    }

    /// <summary>Something worked: the next failure waits for the first span again.</summary>
    public void Reset() => _failures = 0;
}
