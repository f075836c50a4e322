namespace FedLora.Grains;

/// <summary>One fine-tuning job as its operator wrote it; does not change once the federation is created.</summary>
[GenerateSerializer, Immutable]
public sealed record FederationDefinition
{
    /// <summary>Name and identity: 1-64 characters of a-z, 0-9, '-'.</summary>
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required BaseModelSpec BaseModel { get; init; }

    /// <summary>All that the coordinator needs to know of the model: the adapted modules and the trained heads with their shapes.</summary>
    [Id(2)] public required LayoutSpec Layout { get; init; }

    [Id(3)] public required MethodSpec Method { get; init; }

    [Id(4)] public required LoraSpec Lora { get; init; }

    [Id(5)] public required TrainingSpec Training { get; init; }

    /// <summary>Privacy terms; null without differential privacy.</summary>
    [Id(6)] public PrivacySpec? Privacy { get; init; }

    [Id(7)] public CohortSpec Cohort { get; init; } = new();

    [Id(8)] public WeightRule Weights { get; init; } = WeightRule.Examples;

    [Id(9)] public CommunicationSpec Communication { get; init; } = new();

    [Id(10)] public RetentionSpec Retention { get; init; } = new();
}

/// <summary>The frozen model that every node must hold.</summary>
[GenerateSerializer, Immutable]
public sealed record BaseModelSpec
{
    /// <summary>SHA-256 (hex) that identifies config and weights, as the training engine computes it.</summary>
    [Id(0)] public required string Fingerprint { get; init; }

    /// <summary>For example <c>BertForSequenceClassification</c>.</summary>
    [Id(1)] public string Architecture { get; init; } = "";

    /// <summary><c>sequence-classification</c> or <c>causal-lm</c>.</summary>
    [Id(2)] public required string Task { get; init; }

    /// <summary>Label names in the order of the classes; empty for causal language modelling.</summary>
    [Id(3)] public IReadOnlyList<string> Labels { get; init; } = [];
}

/// <summary>How an update counts in the aggregate.</summary>
[GenerateSerializer]
public enum WeightRule
{
    /// <summary>In proportion to the node's number of training examples.</summary>
    Examples,

    /// <summary>All nodes alike.</summary>
    Uniform,
}

/// <summary>Which share of the entries travels in each direction, in (0, 1]; 1 is dense.</summary>
[GenerateSerializer, Immutable]
public sealed record CommunicationSpec
{
    [Id(0)] public double DownDensity { get; init; } = 1;

    [Id(1)] public double UpDensity { get; init; } = 1;

    /// <summary>Further settings of the sparse codec and the server optimiser, by name.</summary>
    [Id(2)] public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

/// <summary>What is kept after a round is committed.</summary>
[GenerateSerializer, Immutable]
public sealed record RetentionSpec
{
    /// <summary>Updates of the last this many committed rounds are kept (and can be replayed); negative keeps all.</summary>
    [Id(0)] public int UpdateRounds { get; init; } = 10;

    /// <summary>Global adapters of the last this many rounds are kept besides the newest; negative keeps all.</summary>
    [Id(1)] public int AdapterRounds { get; init; } = 20;
}
