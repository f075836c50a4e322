using FedLora.Federations.Definitions;

namespace FedLora.Simulations.Scenarios;

/// <summary>A simulation as a researcher writes it, beside the federation that it is of.</summary>
public sealed record ScenarioDefinition
{
    [Setting("for people")]
    public string Name { get; init; } = "simulation";

    [Setting("training nodes, all enrolled from the beginning", Min = 1, Max = 1_000_000, Required = true)]
    public int Nodes { get; init; } = 1;

    [Setting("of splits, nodes and their time, and privacy noise; of the federation too, where that states none", Min = 0)]
    public ulong Seed { get; init; } = 1;

    [Setting("what trains: the real engine, a linear classifier that learns in microseconds, or next to nothing")]
    public NodeTrainer Trainer { get; init; }

    [Setting("the examples, and how the nodes share them")]
    public DataSpec Data { get; init; } = new();

    [Setting("kinds of nodes; left out: one kind")]
    public Dictionary<string, GroupSpec> Groups { get; init; } = [];

    [Setting("outages of the coordinator, a group or a node")]
    public Dictionary<string, OutageSpec> Outages { get; init; } = [];

    [Setting("held-out evaluation after every so many rounds, and after the last; 0: never", Min = 0)]
    public int EvaluateEvery { get; init; } = 1;

    [Setting("how far the new product is from the mean of the nodes'; costs another pass over the updates")]
    public bool MeasureError { get; init; } = true;

    [Setting("nodes that train through the base model at once, which differs from one after another by rounding; 1: one after another, as "
        + "real nodes do, to the last bit; 0: as many as bring something, by the size of their steps", Min = 0, Max = 1024)]
    public int NodesTogether { get; init; }

    [Setting("processor threads of the training engine; the same bytes want the same number", Min = 1, Max = 1024)]
    public int Threads { get; init; } = 1;
}

/// <summary>What trains at the nodes.</summary>
public enum NodeTrainer
{
    /// <summary>The training engine, as at a real node.</summary>
    Lora,

    /// <summary>A linear classifier with LoRA factors.</summary>
    Logistic,

    /// <summary>Adds a constant.</summary>
    Trivial,
}

/// <summary>Where the examples come from.</summary>
public sealed record DataSpec
{
    [Setting("JSONL with the training examples of all nodes, from this file's folder; for trainer: lora")]
    public string Train { get; init; } = "";

    [Setting("JSONL that no node sees; left out: held_out_share of the training examples")]
    public string HeldOut { get; init; } = "";

    [Setting("share of the examples that no node sees, where held_out names no file", Min = 0, Max = 1, BelowMax = true)]
    public double HeldOutShare { get; init; } = 0.1;

    [Setting("a node with fewer examples is reported; with none it takes no part", Min = 0)]
    public int FewExamples { get; init; } = 8;

    [Setting("made-up examples in all, for trainer: logistic", Min = 1, Max = 100_000_000)]
    public int Examples { get; init; } = 10_000;

    [Setting("features of a made-up example", Min = 1, Max = 1_000_000)]
    public int Features { get; init; } = 50;

    [Setting("who gets which examples")]
    public SplitSpec Split { get; init; } = new();
}

/// <summary>How examples are dealt out.</summary>
public sealed record SplitSpec
{
    [Setting(
        "identical: shuffled, equal shares; dirichlet: skewed labels; quantity: skewed sizes; shards: few labels each; field: natural "
            + "sites")]
    public SplitKind Kind { get; init; }

    [Setting("dirichlet, quantity: concentration; the smaller, the less nodes are alike", Min = 0, AboveMin = true, Max = 1e6)]
    public double Alpha { get; init; } = 0.5;

    [Setting("shards: runs of examples of like label that each node gets", Min = 1, Max = 10_000)]
    public int ShardsPerNode { get; init; } = 2;

    [Setting("field: whose value says which node a line belongs to; rarer values than there are nodes are dealt to the smallest")]
    public string Field { get; init; } = "";

    [Setting("identical: examples of each node, which may then share them; 0: all are dealt out, each once", Min = 0)]
    public int PerNode { get; init; }
}

/// <summary>Kinds of split.</summary>
public enum SplitKind
{
    Identical,
    Dirichlet,
    Quantity,
    Shards,
    Field,
}

/// <summary>
/// What the nodes of a group are like. Where it says so a setting may be a distribution, from which each node draws its own value once.
/// </summary>
public sealed record GroupSpec
{
    [Setting("of the nodes; 0: what the others leave, in equal parts", Min = 0, Max = 1)]
    public double Share { get; init; }

    [Setting("distribution, MB/s: constant(10), uniform(1, 20), lognormal(MEDIAN, SIGMA), exponential(MEAN), or a number")]
    public string Download { get; init; } = "10";

    [Setting("distribution, MB/s")]
    public string Upload { get; init; } = "2";

    [Setting("distribution: of one optimiser step, s")]
    public string SecondsPerStep { get; init; } = "0.5";

    [Setting("distribution: of one call, s")]
    public string Latency { get; init; } = "0.05";

    [Setting("share of the time that a node is there", Min = 0, Max = 1)]
    public double Availability { get; init; } = 1;

    [Setting("for how long a node is there or away at a stretch, s", Min = 1, Max = 2_592_000)]
    public double AvailabilityPeriod { get; init; } = 600;

    [Setting("share of the tasks in which a node vanishes without a word", Min = 0, Max = 1)]
    public double DropOut { get; init; }

    [Setting("share of the tasks that a node gives up, and says so", Min = 0, Max = 1)]
    public double Failures { get; init; }

    [Setting("share of the tasks that take straggler_factor times as long", Min = 0, Max = 1)]
    public double Stragglers { get; init; }

    [Setting("how much longer a straggler takes", Min = 1, Max = 1e6)]
    public double StragglerFactor { get; init; } = 10;

    [Setting("a site's own limit of epsilon; 0: none", Min = 0, Max = 1e6)]
    public double EpsilonLimit { get; init; }
}

/// <summary>Something is away for a while.</summary>
public sealed record OutageSpec
{
    [Setting("coordinator, the name of a group, or of a node, e.g. node-7", Required = true)]
    public string Who { get; init; } = "coordinator";

    [Setting("s after the start", Min = 0, Max = 1e9, Required = true)]
    public double At { get; init; }

    [Setting("s", Min = 0, AboveMin = true, Max = 1e9, Required = true)]
    public double For { get; init; } = 1;
}
