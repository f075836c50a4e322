namespace FedLora.Federations.Definitions;

/// <summary>One fine-tuning job as its operator wrote it; does not change once the federation is created. Mirrors the proto message of the same name.</summary>
public sealed record FederationDefinition
{
    /// <summary>Name and identity: 1-64 characters of a-z, 0-9, '-', starting with a letter.</summary>
    public required string Name { get; init; }

    public required BaseModelSpec BaseModel { get; init; }

    public required TaskSpec Task { get; init; }

    /// <summary>For example <c>fedit</c>, <c>ffa-lora</c>.</summary>
    public required string Method { get; init; }

    public MethodSpec MethodOptions { get; init; } = new();

    public required LoraSpec Lora { get; init; }

    public TrainingSpec Training { get; init; } = new();

    /// <summary>Privacy terms; null without differential privacy.</summary>
    public PrivacySpec? Privacy { get; init; }

    public CohortSpec Cohort { get; init; } = new();

    public Weighting Weighting { get; init; }

    public CommunicationSpec Communication { get; init; } = new();

    /// <summary>Rounds of the whole federation, at least 1.</summary>
    public int Rounds { get; init; } = 10;

    /// <summary>Seed of cohorts and of the first adapter; never of privacy noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>All that the coordinator needs to know of the model: adapted modules and trained heads with their shapes.</summary>
    public required LayoutSpec Layout { get; init; }

    /// <summary>Node name to example count that may be known; for <see cref="Weighting.PublicCounts"/>.</summary>
    public Dictionary<string, long> PublicCounts { get; init; } = [];

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
    public required LearningTask Kind { get; init; }

    /// <summary>Label names in the order of the classes; empty for causal language modelling.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];
}

/// <summary>Kinds of task.</summary>
public enum LearningTask
{
    Classification,
    CausalLanguageModel,
}

/// <summary>How an update counts in the aggregate.</summary>
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
    /// <summary>Updates of the last this many committed rounds are kept (and can be replayed); negative keeps all.</summary>
    public int UpdateRounds { get; init; } = 10;

    /// <summary>Global adapters of the last this many rounds are kept besides the newest; negative keeps all.</summary>
    public int AdapterRounds { get; init; } = -1;
}
