namespace FedLora.Grains;

/// <summary>Shapes of the adapted model.</summary>
[GenerateSerializer, Immutable]
public sealed record LayoutSpec
{
    /// <summary>Adapted linear modules, by name.</summary>
    [Id(0)] public required IReadOnlyList<ModuleSpec> Modules { get; init; }

    /// <summary>Tensors trained in full (modules_to_save), by PEFT file key.</summary>
    [Id(1)] public IReadOnlyList<HeadSpec> Heads { get; init; } = [];
}

/// <summary>One adapted linear module: W is d_out x d_in.</summary>
[GenerateSerializer, Immutable]
public sealed record ModuleSpec
{
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required int DOut { get; init; }

    [Id(2)] public required int DIn { get; init; }
}

/// <summary>One tensor that is trained in full.</summary>
[GenerateSerializer, Immutable]
public sealed record HeadSpec
{
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required IReadOnlyList<int> Shape { get; init; }
}

/// <summary>How adapters are parametrised and aggregated.</summary>
[GenerateSerializer, Immutable]
public sealed record MethodSpec
{
    /// <summary>For example <c>fedit</c>, <c>ffa-lora</c>.</summary>
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

/// <summary>LoRA as PEFT names its settings.</summary>
[GenerateSerializer, Immutable]
public sealed record LoraSpec
{
    [Id(0)] public required int Rank { get; init; }

    [Id(1)] public required double Alpha { get; init; }

    [Id(2)] public double Dropout { get; init; }

    [Id(3)] public IReadOnlyList<string> TargetModules { get; init; } = [];

    [Id(4)] public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>Ranks of node groups that differ from <see cref="Rank"/>, by group name.</summary>
    [Id(5)] public IReadOnlyDictionary<string, int> GroupRanks { get; init; } = new Dictionary<string, int>();
}

/// <summary>What a node does in one round.</summary>
[GenerateSerializer, Immutable]
public sealed record TrainingSpec
{
    /// <summary>Optimiser steps per round; exactly one of this and <see cref="LocalEpochs"/> is set.</summary>
    [Id(0)] public int? LocalSteps { get; init; }

    /// <summary>Passes over the local data per round.</summary>
    [Id(1)] public double? LocalEpochs { get; init; }

    [Id(2)] public int BatchSize { get; init; } = 16;

    [Id(3)] public double LearningRate { get; init; } = 1e-3;

    /// <summary><c>adamw</c> or <c>sgd</c>.</summary>
    [Id(4)] public string Optimizer { get; init; } = "adamw";

    [Id(5)] public double WeightDecay { get; init; }

    [Id(6)] public int MaxTokens { get; init; } = 256;

    /// <summary><c>auto</c>, <c>f32</c> or <c>bf16</c>.</summary>
    [Id(7)] public string Dtype { get; init; } = "auto";

    [Id(8)] public ulong Seed { get; init; }

    /// <summary>Largest L2 norm accepted for (update - global adapter) over all tensors sent; null: no bound.</summary>
    [Id(9)] public double? MaxUpdateNorm { get; init; } = 10_000;
}

/// <summary>Differential privacy terms: one training example, add/remove, noise added by the node.</summary>
[GenerateSerializer, Immutable]
public sealed record PrivacySpec
{
    /// <summary>The budget of the whole federation at each node; null where the noise multiplier is given instead.</summary>
    [Id(0)] public double? Epsilon { get; init; }

    [Id(1)] public double Delta { get; init; } = 1e-5;

    /// <summary>Clipping norm C of one example's gradient.</summary>
    [Id(2)] public double Clip { get; init; } = 1;

    /// <summary>Noise standard deviation over C; null: calibrated from epsilon.</summary>
    [Id(3)] public double? NoiseMultiplier { get; init; }

    /// <summary>Poisson sampling rate q in (0, 1]; null: batch size over the node's number of examples.</summary>
    [Id(4)] public double? SamplingRate { get; init; }
}
