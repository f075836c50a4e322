using FedLora.Privacy;
using FedLora.Privacy.Ledger;

namespace FedLora.Dashboard.Privacy;

/// <summary>All that the coordinator knows of a data set's budget.</summary>
public sealed record DataSetAccount
{
    public required DataSetRow Row { get; init; }

    /// <summary>The mirrored receipts, oldest first.</summary>
    public required IReadOnlyList<LedgerMirrorEntry> Receipts { get; init; }

    /// <summary>What was spent, equal mechanisms put together.</summary>
    public required IReadOnlyList<SampledGaussian> Past { get; init; }

    /// <summary>The interval that holds what was spent; null: it is being worked out.</summary>
    public PrivacyBound? Proven { get; init; }

    /// <summary>By federation, the most first.</summary>
    public required IReadOnlyList<FederationShare> Shares { get; init; }

    public Projection? Projection { get; init; }

    /// <summary>Rounds that went without this node, newest first.</summary>
    public required IReadOnlyList<LeftOutRound> LeftOut { get; init; }

    /// <summary>Something is still being worked out: the page shows it in a moment.</summary>
    public bool IsPartial { get; init; }

    public PrivacyLimit Limit => new(Row.Limit, Row.Delta);
}

/// <summary>What one federation has spent of a data set.</summary>
/// <param name="Federation">By name.</param>
/// <param name="Rounds">Charged.</param>
/// <param name="Bound">Of its rounds by themselves: the parts do not add up to the whole. Null: being worked out.</param>
/// <param name="Course">Epsilon by itself over time, at some of its rounds.</param>
public sealed record FederationShare(string Federation, int Rounds, PrivacyBound? Bound,
    IReadOnlyList<(DateTimeOffset At, double Epsilon)> Course);

/// <summary>When the limit is reached if all goes on as now.</summary>
/// <param name="Federation">Whose rounds it is that go on.</param>
/// <param name="Round">What one of them spends.</param>
/// <param name="RoundsLeft">How many more fit the limit; null: being worked out.</param>
/// <param name="Pace">From one round to the next, mean.</param>
/// <param name="PaceOf">Over so many of the last rounds.</param>
/// <param name="Exhausted">When the last that fits is over; null where that is not known, or beyond all reckoning.</param>
public sealed record Projection(string Federation, SampledGaussian Round, long? RoundsLeft, TimeSpan? Pace, int PaceOf,
    DateTimeOffset? Exhausted);

/// <summary>A round that left a node out; without a time: the one that is being sampled.</summary>
public sealed record LeftOutRound(string Federation, int Round, DateTimeOffset? At, string Reason);
