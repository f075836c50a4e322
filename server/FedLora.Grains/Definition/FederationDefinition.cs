namespace FedLora.Grains;

/// <summary>One fine-tuning job as its operator wrote it; does not change once the federation is created. Mirrors the proto message of the same name.</summary>
[GenerateSerializer, Immutable]
public sealed record FederationDefinition
{
    /// <summary>Name and identity: 1-64 characters of a-z, 0-9, '-', starting with a letter.</summary>
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required BaseModelSpec BaseModel { get; init; }

    [Id(2)] public required TaskSpec Task { get; init; }

    /// <summary>For example <c>fedit</c>, <c>ffa-lora</c>.</summary>
    [Id(3)] public required string Method { get; init; }

    [Id(4)] public MethodSpec MethodOptions { get; init; } = new();

    [Id(5)] public required LoraSpec Lora { get; init; }

    [Id(6)] public TrainingSpec Training { get; init; } = new();

    /// <summary>Privacy terms; null without differential privacy.</summary>
    [Id(7)] public PrivacySpec? Privacy { get; init; }

    [Id(8)] public CohortSpec Cohort { get; init; } = new();

    [Id(9)] public Weighting Weighting { get; init; }

    [Id(10)] public CommunicationSpec Communication { get; init; } = new();

    /// <summary>Rounds of the whole federation, at least 1.</summary>
    [Id(11)] public int Rounds { get; init; } = 10;

    /// <summary>Seed of cohorts and of the first adapter; never of privacy noise.</summary>
    [Id(12)] public ulong Seed { get; init; }

    /// <summary>All that the coordinator needs to know of the model: adapted modules and trained heads with their shapes.</summary>
    [Id(13)] public required LayoutSpec Layout { get; init; }

    /// <summary>Node name to example count that may be known; for <see cref="Weighting.PublicCounts"/>.</summary>
    [Id(14)] public Dictionary<string, long> PublicCounts { get; init; } = [];

    [Id(15)] public RetentionSpec Retention { get; init; } = new();
}

/// <summary>The frozen model that every node must hold.</summary>
[GenerateSerializer, Immutable]
public sealed record BaseModelSpec
{
    /// <summary>SHA-256 (64 hex digits) over configuration and weights, as the training engine computes it.</summary>
    [Id(0)] public required string Fingerprint { get; init; }

    /// <summary>For people.</summary>
    [Id(1)] public string Name { get; init; } = "";

    /// <summary>For people, e.g. <c>BertForSequenceClassification</c>.</summary>
    [Id(2)] public string Architecture { get; init; } = "";
}

/// <summary>What is learnt.</summary>
[GenerateSerializer, Immutable]
public sealed record TaskSpec
{
    [Id(0)] public required LearningTask Kind { get; init; }

    /// <summary>Label names in the order of the classes; empty for causal language modelling.</summary>
    [Id(1)] public IReadOnlyList<string> Labels { get; init; } = [];
}

/// <summary>Kinds of task.</summary>
[GenerateSerializer]
public enum LearningTask
{
    Classification,
    CausalLanguageModel,
}

/// <summary>How an update counts in the aggregate.</summary>
[GenerateSerializer]
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
[GenerateSerializer, Immutable]
public sealed record RetentionSpec
{
    /// <summary>Updates of the last this many committed rounds are kept (and can be replayed); negative keeps all.</summary>
    [Id(0)] public int UpdateRounds { get; init; } = 10;

    /// <summary>Global adapters of the last this many rounds are kept besides the newest; negative keeps all.</summary>
    [Id(1)] public int AdapterRounds { get; init; } = -1;
}
