using FedLora.Federations.Updates;

namespace FedLora.Federations.Rounds;

/// <summary>All inputs and the result of one committed round: enough to compute it again. Stored as a JSON blob.</summary>
public sealed record RoundRecord
{
    public required string Federation { get; init; }

    public required int Round { get; init; }

    public required int Attempt { get; init; }

    /// <summary>The global adapter before the round.</summary>
    public required AdapterRef Before { get; init; }

    /// <summary>In node order (ordinal by id).</summary>
    public required IReadOnlyList<StoredUpdate> Updates { get; init; }

    /// <summary>The global adapter after the round.</summary>
    public required AdapterRef After { get; init; }

    /// <summary>What the round adds to the products to fold into the base weights; null: nothing.</summary>
    public AdapterRef? Fold { get; init; }

    public IReadOnlyList<string> Cohort { get; init; } = [];

    public IReadOnlyList<ExcludedNode> Excluded { get; init; } = [];

    /// <summary>What the server's optimiser remembered before the round; null: nothing, or there is none.</summary>
    public OptimizerMemory? Optimizer { get; init; }

    /// <summary>What it remembered after the round; null: there is none, or the round is of an older program.</summary>
    public OptimizerMemory? OptimizerAfter { get; init; }
}

/// <summary>A node that could not be sampled, and why.</summary>
public sealed record ExcludedNode
{
    public required string NodeId { get; init; }

    public string Name { get; init; } = "";

    public required string Reason { get; init; }
}

/// <summary>One committed round, as it is listed.</summary>
public sealed record RoundSummary
{
    public required int Round { get; init; }

    public required int Attempt { get; init; }

    /// <summary>The global adapter after the round.</summary>
    public required AdapterRef Adapter { get; init; }

    /// <summary>SHA-256 (hex) of the stored <see cref="RoundRecord"/>.</summary>
    public required string Record { get; init; }

    /// <summary>
    /// What the round added to the products to fold into the base weights; null: nothing, or the round is of an older program (its record
    /// says it).
    /// </summary>
    public AdapterRef? Fold { get; init; }

    public int Updates { get; init; }

    /// <summary>Mean of the nodes' training losses, weighted as the updates are; null where none was sent.</summary>
    public double? Loss { get; init; }

    public long BytesUp { get; init; }

    public int Quorum { get; init; }

    public DateTimeOffset OpenedAt { get; init; }

    public DateTimeOffset CommittedAt { get; init; }

    /// <summary>Milliseconds of the aggregation.</summary>
    public double ServerMs { get; init; }

    /// <summary>
    /// ||sum p_k s_k B_k A_k - new product|| / ||sum p_k s_k B_k A_k|| over all modules; null where the method does not define it.
    /// </summary>
    public double? AggregationError { get; init; }

    /// <summary>The standard error of <see cref="AggregationError"/> where that is an estimate; null where it is exact.</summary>
    public double? AggregationStandardError { get; init; }
}
