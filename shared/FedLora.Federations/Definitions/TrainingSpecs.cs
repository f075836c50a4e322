namespace FedLora.Federations.Definitions;

/// <summary>What a node does in one round.</summary>
public sealed record TrainingSpec
{
    [Setting("optimiser steps per round", Min = 1, Max = 1_000_000)]
    public int LocalSteps { get; init; } = 10;

    [Setting("examples per step; under privacy the expected batch of Poisson sampling", Min = 1, Max = 1_000_000)]
    public int BatchSize { get; init; } = 32;

    [Setting("what steps are made by", Words = ["adamw", "sgd"])]
    public string Optimizer { get; init; } = "adamw";

    [Setting("of adamw: its means stay at the node from round to round; otherwise it starts anew in each")]
    public bool KeepOptimizer { get; init; }

    [Setting("of the first round; the schedule lowers it", Min = 0, AboveMin = true, Max = 1000, BelowMax = true)]
    public double LearningRate { get; init; } = 1e-3;

    [Setting("adamw: decoupled decay; sgd: added to the gradient", Min = 0, Max = 1000, BelowMax = true)]
    public double WeightDecay { get; init; } = 0.01;

    [Setting("without privacy, a longer gradient is cut to this; 0: never", Min = 0, Max = 1e9, BelowMax = true)]
    public double MaxGradNorm { get; init; }

    [Setting("longer examples are cut, and counted; at most what the base model takes", Min = 2, Max = 1_000_000)]
    public int MaxTokens { get; init; } = 256;

    [Setting("of the learning rate over all rounds", Words = ["constant", "linear", "cosine"])]
    public string Schedule { get; init; } = "constant";

    [Setting("of the base weights; auto: what is faster on the node's machine", Words = ["auto", "f32", "bf16"])]
    public string Dtype { get; init; } = "auto";

    [Setting("largest L2 norm of (update - global adapter), over all tensors sent, that the coordinator accepts; 0: no bound", Min = 0,
        Max = 1e30)]
    public double MaxUpdateNorm { get; init; } = 10_000;
}

/// <summary>Differential privacy terms: one training example, add/remove, noise added by the node.</summary>
public sealed record PrivacySpec
{
    [Setting("budget of the whole federation at each node; 0: the noise multiplier is given instead", Min = 0, Max = 1e6)]
    public double Epsilon { get; init; }

    [Setting("at which epsilon is stated", Min = 0, AboveMin = true, Max = 1, BelowMax = true)]
    public double Delta { get; init; } = 1e-5;

    [Setting("C: one example's gradient, over all trained tensors together, is cut to this", Min = 0, AboveMin = true, Max = 1e6)]
    public double ClipNorm { get; init; } = 1;

    [Setting("sigma, noise standard deviation over C; 0: calibrated from epsilon, delta, sampling rate and all planned steps", Min = 0,
        Max = 1e6)]
    public double NoiseMultiplier { get; init; }

    [Setting("q of Poisson sampling; 0: batch_size over the stated count (public_counts, or what a site itself lets be known)", Min = 0,
        Max = 1)]
    public double SamplingRate { get; init; }

    [Setting("what composes the steps", Vocabulary = Vocabulary.Accountants)]
    public string Accountant { get; init; } = "pld";
}

/// <summary>Which share of the entries travels in each direction; 1 is dense.</summary>
public sealed record CommunicationSpec
{
    [Setting("share of the entries sent to nodes, e.g. 1/16", Min = 0, AboveMin = true, Max = 1)]
    public double Down { get; init; } = 1;

    [Setting("share of the entries that nodes send", Min = 0, AboveMin = true, Max = 1)]
    public double Up { get; init; } = 1;

    [Setting("format of the values sent", Vocabulary = Vocabulary.ValueFormats)]
    public string Values { get; init; } = "f32";

    [Setting("what a node has not sent is kept there for the next round")]
    public bool ErrorFeedback { get; init; }

    [Setting("the share is taken of each factor by itself, so that B, small at first, travels too")]
    public bool SpareB { get; init; }

    [Setting("how the mean of the updates moves the global adapter", Words = ["add", "fedadam"])]
    public string ServerOptimizer { get; init; } = "add";

    [Setting("of fedadam", Min = 0, AboveMin = true, Max = 1000, BelowMax = true)]
    public double ServerLearningRate { get; init; } = 1e-3;

    [Setting("densities of slow links, by node group")]
    public Dictionary<string, DensitySpec> Groups { get; init; } = [];
}

/// <summary>Densities of one node group.</summary>
public sealed record DensitySpec
{
    [Setting("as communication.down, which it is if left out", Min = 0, AboveMin = true, Max = 1)]
    public double Down { get; init; } = 1;

    [Setting("as communication.up, which it is if left out", Min = 0, AboveMin = true, Max = 1)]
    public double Up { get; init; } = 1;
}
