using System.Text.Json.Serialization;

namespace FedLora.Federations.Definitions;

/// <summary>
/// One fine-tuning job as its operator wrote it; does not change once the federation is created. The one definition: files are read into
/// it, the wire is mapped to it, grains store it as JSON, nodes train by it.
/// </summary>
public sealed record FederationDefinition
{
    [Setting("identity: 1-64 characters of a-z, 0-9 and '-', starting with a letter", Required = true)]
    public required string Name { get; init; }

    /// <summary>From the operator's copy of the base model.</summary>
    public required BaseModelSpec BaseModel { get; init; }

    [Setting("what is learnt", Required = true)]
    public required TaskSpec Task { get; init; }

    [Setting("how adapters are parametrised and aggregated", Vocabulary = Vocabulary.Methods, Required = true)]
    public required string Method { get; init; }

    [Setting("options of single methods")]
    public MethodSpec MethodOptions { get; init; } = new();

    [Setting("the adapter", Required = true)]
    public required LoraSpec Lora { get; init; }

    [Setting("what a node does in one round")]
    public TrainingSpec Training { get; init; } = new();

    /// <summary>Null without differential privacy.</summary>
    [Setting("differential privacy of one training example; left out: none")]
    public PrivacySpec? Privacy { get; init; }

    [Setting("who takes part in a round, and how long anybody waits")]
    public CohortSpec Cohort { get; init; } = new();

    [Setting("how an update counts; default: by examples without privacy, uniform with")]
    public Weighting Weighting { get; init; }

    [Setting("where nodes state what they count for: at most this many times, 1 or more, the median of the round's updates; 0: no bound",
        Min = 0, Max = 1e12)]
    public double MaxWeight { get; init; } = DefaultMaxWeight;

    /// <summary>What <see cref="MaxWeight"/> is where nothing is said.</summary>
    public const double DefaultMaxWeight = 10;

    [Setting("sparse communication")]
    public CommunicationSpec Communication { get; init; } = new();

    [Setting("what withstands updates that are wrong, by accident or on purpose")]
    public RobustSpec Robust { get; init; } = new();

    [Setting("of the whole federation", Min = 1, Max = 1_000_000, Required = true)]
    public int Rounds { get; init; } = 10;

    [Setting("of cohorts and of the first adapter; never of privacy noise", Min = 0)]
    public ulong Seed { get; init; }

    /// <summary>All that the coordinator needs to know of the model: adapted modules and trained heads with their shapes.</summary>
    public required LayoutSpec Layout { get; init; }

    [Setting("example count that may be known, by node name; for weighting: public-counts and for sampling rates", Min = 0)]
    public Dictionary<string, long> PublicCounts { get; init; } = [];

    [Setting("what is kept after a round is committed")]
    public RetentionSpec Retention { get; init; } = new();
}

/// <summary>The frozen model that every node must hold.</summary>
public sealed record BaseModelSpec
{
    /// <summary>SHA-256 (64 hex digits) over configuration and weights, as the training engine computes it.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>For people.</summary>
    public string Name { get; init; } = "";

    /// <summary>For people, e.g. <c>BertForSequenceClassification</c>.</summary>
    public string Architecture { get; init; } = "";
}

/// <summary>What is learnt.</summary>
public sealed record TaskSpec
{
    [Setting("kind of task", Required = true)]
    public required LearningTask Kind { get; init; }

    [Setting("label names in the order of the classes, at least two; only for classification")]
    public IReadOnlyList<string> Labels { get; init; } = [];
}

/// <summary>Kinds of task. Stored by name.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LearningTask>))]
public enum LearningTask
{
    Classification,
    CausalLanguageModel,
}

/// <summary>How an update counts in the aggregate. Stored by name.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Weighting>))]
public enum Weighting
{
    /// <summary>By examples without privacy, uniform with.</summary>
    Default,

    /// <summary>In proportion to the node's number of training examples; refused under privacy, where the count is private.</summary>
    Examples,

    /// <summary>All nodes alike.</summary>
    Uniform,

    /// <summary>In proportion to the counts that the definition states.</summary>
    PublicCounts,
}

/// <summary>What is kept after a round is committed.</summary>
public sealed record RetentionSpec
{
    [Setting("updates of the last this many committed rounds are kept, and can be replayed; -1: all", Min = -1, Max = 1_000_000)]
    public int UpdateRounds { get; init; } = 10;

    [Setting("global adapters of the last this many rounds are kept besides the newest; -1: all", Min = -1, Max = 1_000_000)]
    public int AdapterRounds { get; init; } = -1;
}
