using FedLora.Privacy.Ledger;

namespace FedLora.Grains.Federations;

/// <summary>A federation as operators see it.</summary>
[GenerateSerializer, Immutable]
public sealed record FederationView
{
    [Id(0)] public required FederationDefinition Definition { get; init; }

    [Id(1)] public required FederationState State { get; init; }

    /// <summary>Why it is paused or stopped, or what it waits for and for how long at most: one line for people.</summary>
    [Id(2)] public string Reason { get; init; } = "";

    /// <summary>Rounds committed so far; also the number of the global adapter.</summary>
    [Id(3)] public int RoundsDone { get; init; }

    /// <summary>The newest global adapter.</summary>
    [Id(4)] public required AdapterRef Adapter { get; init; }

    /// <summary>Products of earlier rounds to fold into the base weights, in this order.</summary>
    [Id(5)] public IReadOnlyList<AdapterRef> Fold { get; init; } = [];

    /// <summary>The round at work; null before the start and after the end.</summary>
    [Id(6)] public RoundView? Current { get; init; }

    /// <summary>The last committed rounds, oldest first: all, or 64 and more of them.</summary>
    [Id(7)] public IReadOnlyList<RoundSummary> History { get; init; } = [];

    /// <summary>Nodes left out before the last sampling, with the reason.</summary>
    [Id(8)] public IReadOnlyList<ExcludedNode> Excluded { get; init; } = [];

    [Id(9)] public DateTimeOffset CreatedAt { get; init; }

    /// <summary>With privacy terms: what they mean at each node, by name.</summary>
    [Id(10)] public IReadOnlyList<NodePrivacy> Privacy { get; init; } = [];
}

/// <summary>The round at work.</summary>
[GenerateSerializer, Immutable]
public sealed record RoundView
{
    /// <summary>From 1.</summary>
    [Id(0)] public required int Round { get; init; }

    /// <summary>From 1; grows when the round is repeated.</summary>
    [Id(1)] public required int Attempt { get; init; }

    [Id(2)] public required RoundState State { get; init; }

    [Id(3)] public IReadOnlyList<NodeInRound> Nodes { get; init; } = [];

    [Id(4)] public int Wanted { get; init; }

    [Id(5)] public int Quorum { get; init; }

    [Id(6)] public DateTimeOffset? OpenedAt { get; init; }

    [Id(7)] public DateTimeOffset? Deadline { get; init; }
}

/// <summary>One node of the cohort.</summary>
[GenerateSerializer, Immutable]
public sealed record NodeInRound
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public string Name { get; init; } = "";

    /// <summary>How far it is; <see cref="TaskPhase.Unspecified"/>: has not fetched its task.</summary>
    [Id(2)] public TaskPhase Phase { get; init; }

    /// <summary>The update is validated and durable.</summary>
    [Id(3)] public bool UpdateIn { get; init; }

    [Id(4)] public int Step { get; init; }

    [Id(5)] public int Steps { get; init; }

    [Id(6)] public double? Loss { get; init; }

    [Id(7)] public long ExampleCount { get; init; }

    [Id(8)] public long UpdateBytes { get; init; }

    [Id(9)] public LedgerReceipt? Receipt { get; init; }

    /// <summary>Why it refused or failed; empty otherwise.</summary>
    [Id(10)] public string Reason { get; init; } = "";
}
