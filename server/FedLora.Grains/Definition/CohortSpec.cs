namespace FedLora.Grains;

/// <summary>Who takes part in a round, for how long it waits, and what happens when too few deliver.</summary>
[GenerateSerializer, Immutable]
public sealed record CohortSpec
{
    /// <summary>A round is sampled only when at least this many eligible nodes are there.</summary>
    [Id(0)] public int MinNodes { get; init; } = 1;

    /// <summary>Wanted updates per round; null: all eligible nodes (or <see cref="Fraction"/> of them).</summary>
    [Id(1)] public int? Size { get; init; }

    /// <summary>Wanted updates per round as a share of the eligible nodes, in (0, 1].</summary>
    [Id(2)] public double? Fraction { get; init; }

    /// <summary>Factor >= 1: ceil(wanted x factor) nodes are sampled, so that some may fail.</summary>
    [Id(3)] public double OverSelection { get; init; } = 1;

    /// <summary>At the deadline the round closes with at least this many updates; null: half of the wanted ones, rounded up.</summary>
    [Id(4)] public int? Quorum { get; init; }

    /// <summary>From the opening of the round.</summary>
    [Id(5)] public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Rounds of the whole federation.</summary>
    [Id(6)] public int Rounds { get; init; } = 10;

    /// <summary>How often a round without quorum is repeated with a new cohort before the federation pauses.</summary>
    [Id(7)] public int Retries { get; init; } = 2;

    /// <summary>Longest wait for <see cref="MinNodes"/> eligible nodes before the federation pauses.</summary>
    [Id(8)] public TimeSpan SamplingTimeout { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Seed of the sampling.</summary>
    [Id(9)] public ulong Seed { get; init; }
}
