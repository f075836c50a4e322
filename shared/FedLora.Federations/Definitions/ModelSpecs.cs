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
}

/// <summary>One tensor that is trained in full.</summary>
public sealed record HeadSpec
{
    /// <summary>PEFT's key in the adapter file.</summary>
    public required string Name { get; init; }

    public required IReadOnlyList<int> Shape { get; init; }
}

/// <summary>Options of single methods; each is refused where the method does not look at it.</summary>
public sealed record MethodSpec
{
    [Setting("fed-sb: where A and B come from; svd-of-weights if left out", Words = ["svd-of-weights", "lora-sb", "lora-sb-private"])]
    public string Init { get; init; } = "";

    [Setting("fed-sb with init lora-sb: length of the first step in every weight; 0.001 if left out", Min = 0, AboveMin = true, Max = 1000)]
    public double? InitStep { get; init; }

    [Setting("lora-fair: weight of the norm of dB; 0.01 if left out", Min = 0, Max = 1e9)]
    public double? Lambda { get; init; }

    [Setting("lora-fair: the objective; cosine if left out", Words = ["cosine", "least-squares"])]
    public string Solver { get; init; } = "";

    [Setting("fedex-lora: rank kept of the residual; 0: all", Min = 0, Max = 1_000_000)]
    public int TruncateRank { get; init; }

    [Setting("the head stays as it starts")]
    public bool FreezeHead { get; init; }
}

/// <summary>LoRA as PEFT names its settings.</summary>
public sealed record LoraSpec
{
    [Setting("of the factors", Min = 1, Max = 4096)]
    public int Rank { get; init; } = 8;

    [Setting("the scale is alpha / rank; the rank if left out", Min = 0, AboveMin = true, Max = 1e6)]
    public required double Alpha { get; init; }

    [Setting("of the adapter's input", Min = 0, Max = 1, BelowMax = true)]
    public double Dropout { get; init; }

    [Setting("modules to adapt, as PEFT matches them: last parts of names, one regular expression, or all-linear", Required = true)]
    public IReadOnlyList<string> TargetModules { get; init; } = [];

    [Setting("modules trained in full; left out, a classifier's head")]
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    [Setting("the scale is alpha / sqrt(rank)", Key = "rslora")]
    public bool RsLora { get; init; }

    [Setting("rank by node group, only for methods that can mix ranks", Min = 1, Max = 4096)]
    public Dictionary<string, int> RankGroups { get; init; } = [];
}
