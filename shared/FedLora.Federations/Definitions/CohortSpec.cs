namespace FedLora.Federations.Definitions;

/// <summary>Who takes part in a round, for how long it waits, and what happens when too few deliver.</summary>
public sealed record CohortSpec
{
    private const double ThirtyDays = 30 * 86400;

    [Setting("updates wanted per round; 0: all nodes that can take part, or the fraction of them", Min = 0)]
    public int Size { get; init; }

    [Setting("updates wanted per round as a share of the nodes that can take part, where size is 0; 0: not used", Min = 0, Max = 1)]
    public double Fraction { get; init; }

    [Setting("ceil(wanted x this) nodes are sampled, so that some may fail", Min = 1, Max = 100)]
    public double OverSelect { get; init; } = 1;

    [Setting("updates that a round needs; 0: all that are wanted", Min = 0)]
    public int Quorum { get; init; }

    [Setting("from the opening of a round: then it closes with quorum, and is repeated without", Key = "deadline_seconds", Min = 0,
        AboveMin = true, Max = ThirtyDays)]
    public TimeSpan Deadline { get; init; } = TimeSpan.FromHours(1);

    [Setting("repetitions of one round before the federation pauses and says why", Min = 0, Max = 1000)]
    public int MaxRepeats { get; init; } = 3;

    [Setting("nodes that must be able to take part before a round opens; 0: size of them, or after wait_seconds the quorum", Min = 0)]
    public int MinNodes { get; init; }

    [Setting(
        "how long a round waits for size nodes where the quorum could take part already; once it has waited in vain, later rounds do not",
        Key = "wait_seconds", Min = 0, Max = ThirtyDays)]
    public TimeSpan Wait { get; init; } = TimeSpan.FromMinutes(1);

    [Setting("longest wait for the nodes without which no round opens, before the federation pauses", Key = "sampling_timeout_seconds",
        Min = 0, AboveMin = true, Max = ThirtyDays)]
    public TimeSpan SamplingTimeout { get; init; } = TimeSpan.FromHours(24);
}
