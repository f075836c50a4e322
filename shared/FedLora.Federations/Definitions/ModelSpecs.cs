namespace FedLora.Federations.Definitions;

/// <summary>Shapes of the adapted model.</summary>
public sealed record LayoutSpec
{
    /// <summary>Adapted linear modules.</summary>
    public required IReadOnlyList<ModuleSpec> Modules { get; init; }

    /// <summary>Tensors trained in full (modules_to_save).</summary>
    public IReadOnlyList<HeadSpec> Head { get; init; } = [];
}

/// <summary>One adapted linear module: W is d_out x d_in.</summary>
public sealed record ModuleSpec
{
    /// <summary>As in the base model, e.g. <c>bert.encoder.layer.0.attention.self.query</c>.</summary>
    public required string Name { get; init; }

    public required int DOut { get; init; }

    public required int DIn { get; init; }

    /// <summary>0: <see cref="LoraSpec.Rank"/>.</summary>
    public int Rank { get; init; }
}

/// <summary>One tensor that is trained in full.</summary>
public sealed record HeadSpec
{
    /// <summary>PEFT's key in the adapter file.</summary>
    public required string Name { get; init; }

    public required IReadOnlyList<int> Shape { get; init; }
}

/// <summary>Options of single methods.</summary>
public sealed record MethodSpec
{
    /// <summary>fed-sb: <c>svd-of-weights</c> (default), <c>lora-sb</c>, <c>lora-sb-private</c>.</summary>
    public string Init { get; init; } = "";

    /// <summary>lora-fair: weight of ||dB||.</summary>
    public double? Lambda { get; init; }

    /// <summary>lora-fair: <c>cosine</c> (default), <c>least-squares</c>.</summary>
    public string Solver { get; init; } = "";

    /// <summary>fedex-lora: rank kept of the residual, 0 = all.</summary>
    public int TruncateRank { get; init; }

    /// <summary>The head stays as it starts.</summary>
    public bool FreezeHead { get; init; }

    /// <summary>Options of methods that came later.</summary>
    public Dictionary<string, string> Extra { get; init; } = [];
}

/// <summary>LoRA as PEFT names its settings.</summary>
public sealed record LoraSpec
{
    /// <summary>1-4096.</summary>
    public required int Rank { get; init; }

    /// <summary>The scale is alpha / rank.</summary>
    public required double Alpha { get; init; }

    /// <summary>[0, 1).</summary>
    public double Dropout { get; init; }

    public IReadOnlyList<string> TargetModules { get; init; } = [];

    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>The scale is alpha / sqrt(rank).</summary>
    public bool RsLora { get; init; }

    /// <summary>Node group to rank.</summary>
    public Dictionary<string, int> RankGroups { get; init; } = [];
}
