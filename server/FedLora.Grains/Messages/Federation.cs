namespace FedLora.Grains;

/// <summary>Life of a federation.</summary>
[GenerateSerializer]
public enum FederationStatus
{
    Created,
    Running,
    Paused,
    Stopped,
    Completed,
}

/// <summary>Phase of the current round.</summary>
[GenerateSerializer]
public enum RoundPhase
{
    /// <summary>Waiting for enough eligible nodes.</summary>
    Sampling,

    /// <summary>The cohort is fixed; updates are accepted until all are in or the deadline passes.</summary>
    Open,

    /// <summary>The next global adapter is being computed from the stored updates.</summary>
    Aggregating,

    /// <summary>The new global adapter is the federation's.</summary>
    Committed,
}

/// <summary>A federation as operators see it.</summary>
[GenerateSerializer, Immutable]
public sealed record FederationView
{
    [Id(0)] public required FederationDefinition Definition { get; init; }

    [Id(1)] public required FederationStatus Status { get; init; }

    /// <summary>Why it is paused, stopped or completed; empty otherwise.</summary>
    [Id(2)] public string Reason { get; init; } = "";

    /// <summary>What it is doing or waiting for, for how long at most: one line for people.</summary>
    [Id(3)] public string StatusText { get; init; } = "";

    /// <summary>Rounds committed so far; also the number of the global adapter.</summary>
    [Id(4)] public int CommittedRounds { get; init; }

    /// <summary>SHA-256 (hex) of the global adapter.</summary>
    [Id(5)] public required string GlobalAdapter { get; init; }

    /// <summary>Bytes of the global adapter's blob.</summary>
    [Id(6)] public long GlobalAdapterBytes { get; init; }

    /// <summary>The round at work; null unless running or paused within a round.</summary>
    [Id(7)] public RoundView? Current { get; init; }

    /// <summary>Committed rounds, oldest first.</summary>
    [Id(8)] public IReadOnlyList<RoundSummary> History { get; init; } = [];

    /// <summary>Nodes that were left out before the last sampling, with the reason.</summary>
    [Id(9)] public IReadOnlyList<LeftOut> LeftOut { get; init; } = [];

    [Id(10)] public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>The round at work.</summary>
[GenerateSerializer, Immutable]
public sealed record RoundView
{
    /// <summary>1-based.</summary>
    [Id(0)] public required int Round { get; init; }

    /// <summary>1-based; grows when the round is repeated.</summary>
    [Id(1)] public required int Attempt { get; init; }

    [Id(2)] public required RoundPhase Phase { get; init; }

    [Id(3)] public IReadOnlyList<CohortMember> Cohort { get; init; } = [];

    [Id(4)] public int Wanted { get; init; }

    [Id(5)] public int Quorum { get; init; }

    [Id(6)] public DateTimeOffset? OpenedAt { get; init; }

    [Id(7)] public DateTimeOffset? Deadline { get; init; }
}

/// <summary>One node of the cohort.</summary>
[GenerateSerializer, Immutable]
public sealed record CohortMember
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required MemberState State { get; init; }

    /// <summary>Why it failed; empty otherwise.</summary>
    [Id(2)] public string Reason { get; init; } = "";
}

/// <summary>How far a node of the cohort is.</summary>
[GenerateSerializer]
public enum MemberState
{
    /// <summary>Sampled; has not fetched the task yet.</summary>
    Sampled,

    /// <summary>Has fetched the task.</summary>
    Working,

    /// <summary>Its update is stored and acknowledged.</summary>
    Delivered,

    /// <summary>Said that it cannot deliver.</summary>
    Failed,
}

/// <summary>A node that could not be sampled, and why.</summary>
[GenerateSerializer, Immutable]
public sealed record LeftOut
{
    [Id(0)] public required string NodeId { get; init; }

    /// <summary>Stable word, e.g. <c>model-mismatch</c>, <c>privacy-budget</c>.</summary>
    [Id(1)] public required string Code { get; init; }

    [Id(2)] public required string Reason { get; init; }
}

/// <summary>One committed round.</summary>
[GenerateSerializer, Immutable]
public sealed record RoundSummary
{
    [Id(0)] public required int Round { get; init; }

    [Id(1)] public required int Attempt { get; init; }

    /// <summary>SHA-256 (hex) of the global adapter after the round.</summary>
    [Id(2)] public required string GlobalAdapter { get; init; }

    /// <summary>SHA-256 (hex) of the stored <see cref="RoundRecord"/>.</summary>
    [Id(3)] public required string Record { get; init; }

    [Id(4)] public int Updates { get; init; }

    [Id(5)] public long Examples { get; init; }

    /// <summary>Example-weighted mean of the nodes' training losses; NaN-free, null where none was sent.</summary>
    [Id(6)] public double? Loss { get; init; }

    [Id(7)] public long BytesUp { get; init; }

    [Id(8)] public DateTimeOffset OpenedAt { get; init; }

    [Id(9)] public DateTimeOffset CommittedAt { get; init; }
}
