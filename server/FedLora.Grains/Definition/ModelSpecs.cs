namespace FedLora.Grains;

/// <summary>Shapes of the adapted model.</summary>
[GenerateSerializer, Immutable]
public sealed record LayoutSpec
{
    /// <summary>Adapted linear modules.</summary>
    [Id(0)] public required IReadOnlyList<ModuleSpec> Modules { get; init; }

    /// <summary>Tensors trained in full (modules_to_save).</summary>
    [Id(1)] public IReadOnlyList<HeadSpec> Head { get; init; } = [];
}

/// <summary>One adapted linear module: W is d_out x d_in.</summary>
[GenerateSerializer, Immutable]
public sealed record ModuleSpec
{
    /// <summary>As in the base model, e.g. <c>bert.encoder.layer.0.attention.self.query</c>.</summary>
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required int DOut { get; init; }

    [Id(2)] public required int DIn { get; init; }

    /// <summary>0: <see cref="LoraSpec.Rank"/>.</summary>
    [Id(3)] public int Rank { get; init; }
}

/// <summary>One tensor that is trained in full.</summary>
[GenerateSerializer, Immutable]
public sealed record HeadSpec
{
    /// <summary>PEFT's key in the adapter file.</summary>
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required IReadOnlyList<int> Shape { get; init; }
}

/// <summary>Options of single methods.</summary>
[GenerateSerializer, Immutable]
public sealed record MethodSpec
{
    /// <summary>fed-sb: <c>svd-of-weights</c> (default), <c>lora-sb</c>, <c>lora-sb-private</c>.</summary>
    [Id(0)] public string Init { get; init; } = "";

    /// <summary>lora-fair: weight of ||dB||.</summary>
    [Id(1)] public double? Lambda { get; init; }

    /// <summary>lora-fair: <c>cosine</c> (default), <c>least-squares</c>.</summary>
    [Id(2)] public string Solver { get; init; } = "";

    /// <summary>fedex-lora: rank kept of the residual, 0 = all.</summary>
    [Id(3)] public int TruncateRank { get; init; }

    /// <summary>The head stays as it starts.</summary>
    [Id(4)] public bool FreezeHead { get; init; }

    /// <summary>Options of methods that came later.</summary>
    [Id(5)] public Dictionary<string, string> Extra { get; init; } = [];
}

/// <summary>LoRA as PEFT names its settings.</summary>
[GenerateSerializer, Immutable]
public sealed record LoraSpec
{
    /// <summary>1-4096.</summary>
    [Id(0)] public required int Rank { get; init; }

    /// <summary>The scale is alpha / rank.</summary>
    [Id(1)] public required double Alpha { get; init; }

    /// <summary>[0, 1).</summary>
    [Id(2)] public double Dropout { get; init; }

    [Id(3)] public IReadOnlyList<string> TargetModules { get; init; } = [];

    [Id(4)] public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>The scale is alpha / sqrt(rank).</summary>
    [Id(5)] public bool RsLora { get; init; }

    /// <summary>Node group to rank.</summary>
    [Id(6)] public Dictionary<string, int> RankGroups { get; init; } = [];
}
