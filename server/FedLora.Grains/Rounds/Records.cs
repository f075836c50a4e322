namespace FedLora.Grains;

/// <summary>Stored state of a federation. Writing it with one more round is what commits a round.</summary>
[GenerateSerializer]
public sealed class FederationRecord
{
    /// <summary>Null: no such federation.</summary>
    [Id(0)] public FederationDefinition? Definition { get; set; }

    [Id(1)] public FederationState State { get; set; }

    [Id(2)] public string Reason { get; set; } = "";

    [Id(3)] public DateTimeOffset CreatedAt { get; set; }

    [Id(4)] public AdapterRef? Adapter { get; set; }

    [Id(5)] public List<AdapterRef> Fold { get; set; } = [];

    [Id(6)] public List<RoundSummary> History { get; set; } = [];

    /// <summary>Where the method keeps nothing of its own: null. Else the server optimiser's state after the last round.</summary>
    [Id(7)] public OptimizerMemory? Optimizer { get; set; }

    /// <summary>With privacy terms: what they mean at each node, and what it has spent up to the last committed round.</summary>
    [Id(8)] public List<NodePrivacy> Privacy { get; set; } = [];

    public int RoundsDone => History.Count;
}

/// <summary>Stored state of the round at work. Stale once the federation's record has that round.</summary>
[GenerateSerializer]
public sealed class RoundProgress
{
    [Id(0)] public int Round { get; set; }

    [Id(1)] public int Attempt { get; set; } = 1;

    /// <summary>The attempt from which repetitions are counted: the first, or the one after a pause.</summary>
    [Id(2)] public int FirstAttempt { get; set; } = 1;

    [Id(3)] public RoundState State { get; set; }

    /// <summary>Everybody who was sampled in any attempt, in order of sampling.</summary>
    [Id(4)] public List<CohortEntry> Cohort { get; set; } = [];

    /// <summary>By node id.</summary>
    [Id(5)] public Dictionary<string, StoredUpdate> Updates { get; set; } = [];

    [Id(6)] public int Wanted { get; set; }

    [Id(7)] public int Quorum { get; set; }

    [Id(8)] public DateTimeOffset? OpenedAt { get; set; }

    [Id(9)] public DateTimeOffset? Deadline { get; set; }

    /// <summary>Since when it waits for nodes.</summary>
    [Id(10)] public DateTimeOffset SamplingSince { get; set; }

    [Id(11)] public List<ExcludedNode> Excluded { get; set; } = [];

    /// <summary>The nodes of this attempt that may still deliver.</summary>
    public IEnumerable<CohortEntry> Outstanding => Cohort.Where(entry => entry.Attempt == Attempt && entry.Failure.Length == 0 && !Updates.ContainsKey(entry.NodeId));
}

/// <summary>One sampled node.</summary>
[GenerateSerializer, Immutable]
public sealed record CohortEntry
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required string Group { get; init; }

    [Id(3)] public required int Rank { get; init; }

    /// <summary>The last attempt it was sampled for.</summary>
    [Id(4)] public required int Attempt { get; init; }

    /// <summary>Why it said that it cannot deliver; empty if it did not.</summary>
    [Id(5)] public string Failure { get; init; } = "";
}
