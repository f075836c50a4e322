namespace FedLora.Federations.Definitions;

/// <summary>Who takes part in a round, for how long it waits, and what happens when too few deliver.</summary>
public sealed record CohortSpec
{
    /// <summary>Wanted updates per round; 0: all eligible nodes, or <see cref="Fraction"/> of them.</summary>
    public int Size { get; init; }

    /// <summary>Wanted updates per round as a share of the eligible nodes, in (0, 1]; 0: not used.</summary>
    public double Fraction { get; init; }

    /// <summary>ceil(wanted x factor) nodes are sampled, so that some may fail; at least 1.</summary>
    public double OverSelect { get; init; } = 1;

    /// <summary>Updates that a round needs; 0: all of the wanted ones.</summary>
    public int Quorum { get; init; }

    /// <summary>From the opening of the round: then it closes with quorum, and is repeated without.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Repetitions of one round before the federation pauses and says why.</summary>
    public int MaxRepeats { get; init; } = 3;

    /// <summary>Eligible nodes before a round opens; 0: the larger of size, quorum and 1.</summary>
    public int MinNodes { get; init; }

    /// <summary>Longest wait for <see cref="MinNodes"/> eligible nodes before the federation pauses.</summary>
    public TimeSpan SamplingTimeout { get; init; } = TimeSpan.FromHours(24);
}
