using System.Collections.Immutable;
using System.Text.Json.Serialization;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Rounds;

/// <summary>
/// Where a federation stands: all that its decisions depend on and that must survive. Written as one row, so that a round is committed, and
/// an update acknowledged, by one write.
/// </summary>
public sealed record FederationStanding
{
    /// <summary>Rounds in one page of the history.</summary>
    public const int PageSize = 64;

    public required FederationDefinition Definition { get; init; }

    public FederationState State { get; init; }

    /// <summary>Why it is paused, stopped or finished.</summary>
    public string Reason { get; init; } = "";

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The newest global adapter.</summary>
    public required AdapterRef Adapter { get; init; }

    /// <summary>
    /// How many products to fold there are at most: with as many, they and the next become one, so that a node that joins late fetches no
    /// more than one that joined early.
    /// </summary>
    public const int MostFolds = 32;

    /// <summary>
    /// Products to fold into the base weights, in this order: those of many rounds as one, then those of the last rounds.
    /// </summary>
    public ImmutableList<AdapterRef> Fold { get; init; } = [];

    /// <summary>What the server's optimiser remembers after the last round; null where there is none.</summary>
    public OptimizerMemory? Optimizer { get; init; }

    /// <summary>With privacy terms: what they mean at each node, and what it has spent up to the last committed round.</summary>
    public ImmutableList<NodePrivacy> Privacy { get; init; } = [];

    /// <summary>Committed rounds that have left <see cref="Recent"/> for pages of <see cref="PageSize"/>.</summary>
    public int Paged { get; init; }

    /// <summary>The last committed rounds, oldest first.</summary>
    public ImmutableList<RoundSummary> Recent { get; init; } = [];

    public required RoundProgress Round { get; init; }

    /// <summary>Rounds committed so far; also the number of the global adapter.</summary>
    [JsonIgnore]
    public int RoundsDone => Paged + Recent.Count;

    [JsonIgnore]
    public string Name => Definition.Name;
}
