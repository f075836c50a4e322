namespace FedLora.Federations.Definitions;

/// <summary>What a node does in one round.</summary>
public sealed record TrainingSpec
{
    /// <summary>Optimiser steps per round.</summary>
    public int LocalSteps { get; init; } = 16;

    /// <summary>Examples per step; under privacy the expected batch of Poisson sampling.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary><c>adamw</c> or <c>sgd</c>.</summary>
    public string Optimizer { get; init; } = "adamw";

    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Of modules_to_save; 0 = <see cref="LearningRate"/>.</summary>
    public double HeadLearningRate { get; init; }

    public double WeightDecay { get; init; }

    /// <summary>Without privacy; 0 = no clipping.</summary>
    public double MaxGradNorm { get; init; }

    /// <summary>Longer examples are cut, and counted.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary><c>constant</c>, <c>linear</c> or <c>cosine</c>, over all rounds.</summary>
    public string Schedule { get; init; } = "constant";

    /// <summary><c>auto</c>, <c>f32</c> or <c>bf16</c>.</summary>
    public string Dtype { get; init; } = "auto";

    /// <summary>Optimiser state stays at the node from round to round.</summary>
    public bool KeepOptimizer { get; init; }

    /// <summary>Largest L2 norm accepted for (update - global adapter) over all tensors sent; 0: no bound.</summary>
    public double MaxUpdateNorm { get; init; } = 10_000;
}

/// <summary>Differential privacy terms: one training example, add/remove, noise added by the node.</summary>
public sealed record PrivacySpec
{
    /// <summary>The budget of the whole federation at each node; 0 where the noise multiplier is given instead.</summary>
    public double Epsilon { get; init; }

    public double Delta { get; init; } = 1e-5;

    /// <summary>C, of one example's gradient over all trained tensors together.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Noise standard deviation over C; 0: calibrated.</summary>
    public double NoiseMultiplier { get; init; }

    /// <summary>q of Poisson sampling, in (0, 1]; 0: each node calibrates from its own count.</summary>
    public double SamplingRate { get; init; }

    /// <summary><c>pld</c>, <c>rdp</c> or <c>prv</c>.</summary>
    public string Accountant { get; init; } = "pld";
}

/// <summary>Which share of the entries travels in each direction; 1 is dense.</summary>
public sealed record CommunicationSpec
{
    public double Down { get; init; } = 1;

    public double Up { get; init; } = 1;

    /// <summary><c>f32</c>, <c>bf16</c>, <c>f16</c>, <c>int8</c>, <c>int4</c>.</summary>
    public string Values { get; init; } = "f32";

    /// <summary>The part not sent is kept at the node for the next round.</summary>
    public bool ErrorFeedback { get; init; }

    /// <summary>In round 1 B is zero and would be masked away; true keeps it dense.</summary>
    public bool SpareB { get; init; }

    /// <summary><c>add</c> or <c>fedadam</c>.</summary>
    public string ServerOptimizer { get; init; } = "add";

    public double ServerLearningRate { get; init; } = 1e-3;

    /// <summary>Node group to densities of slow links.</summary>
    public Dictionary<string, DensitySpec> Groups { get; init; } = [];
}

/// <summary>Densities of one node group.</summary>
public sealed record DensitySpec
{
    public double Down { get; init; } = 1;

    public double Up { get; init; } = 1;
}
