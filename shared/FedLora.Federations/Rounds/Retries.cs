namespace FedLora.Federations.Rounds;

/// <summary>For how long a passing fault is held against somebody: it doubles with every time, and ends.</summary>
public static class Retries
{
    /// <summary>Aggregations of a round before the federation pauses.</summary>
    public const int Aggregations = 4;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    /// <summary>Waits after so many failures in a row (from 1): 30 s, 1 min, 2 min, ..., 15 min.</summary>
    public static TimeSpan After(int failures) =>
        TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << Math.Clamp(failures - 1, 0, 10)));

    /// <summary>
    /// When a node that has failed may be asked again; null: now. A clock that was set back does not prolong it, and a node that was
    /// started anew is asked at once.
    /// </summary>
    /// <param name="entry">The node.</param>
    /// <param name="start">The start of its program that was heard of last.</param>
    /// <param name="now">The time.</param>
    public static DateTimeOffset? AgainAt(CohortEntry entry, string start, DateTimeOffset now) =>
        (start.Length == 0 || start == entry.Start) && entry is { Failure.Length: > 0, FailedAt: { } at } && at <= now
            && at + After(entry.Failures) > now ? at + After(entry.Failures) : null;

    /// <summary>Whether the aggregation waits for an operator.</summary>
    public static bool Exhausted(RoundProgress round) => round.AggregationFailures >= Aggregations;
}
