using FedLora.Training.Optimization;

namespace FedLora.Training.Running;

public enum OptimizerKind
{
    AdamW,
    Sgd,
}

/// <summary>
/// How a model is trained. The base model's own dropout (<c>hidden_dropout_prob</c> and its like) stays off; LoRA has one of its own.
/// </summary>
public sealed record TrainingSettings
{
    /// <summary>Optimiser steps, at least 1.</summary>
    public required int Steps { get; init; }

    /// <summary>Examples of a step (the logical batch), at least 1.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The highest learning rate, above 0.</summary>
    public required double LearningRate { get; init; }

    public OptimizerKind Optimizer { get; init; }

    /// <summary>AdamW: decoupled decay; SGD: added to the gradient. At least 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Of SGD, in [0, 1).</summary>
    public double Momentum { get; init; }

    public RateSchedule Schedule { get; init; }

    /// <summary>Steps until the highest rate.</summary>
    public int WarmUpSteps { get; init; }

    /// <summary>The gradient is scaled down to this norm where it is longer; null for never.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>
    /// Rows (tokens) that go through the model at once, at least 1: bounds the memory without changing the result. An example is never
    /// split.
    /// </summary>
    public int RowsAtOnce { get; init; } = 4096;

    /// <summary>Decides the order of the examples and LoRA's dropout: the same seed, the same run.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// What AdamW goes on with, <see cref="OptimizerMemory.Empty"/> the first time: <see cref="TrainingSummary.Optimizer"/> is then what it
    /// leaves. Null: it starts anew, and nothing is kept.
    /// </summary>
    public OptimizerMemory? Recalled { get; init; }

    /// <exception cref="FedLoraException"><c>training-settings-invalid</c>.</exception>
    public void Validate()
    {
        Require(Steps >= 1, "steps", Steps, "at least 1");
        Require(BatchSize >= 1, "batch size", BatchSize, "at least 1");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), "learning rate", LearningRate, "above 0");
        Require(WeightDecay >= 0 && double.IsFinite(WeightDecay), "weight decay", WeightDecay, "at least 0");
        Require(Momentum is >= 0 and < 1, "momentum", Momentum, "in [0, 1)");
        Require(WarmUpSteps >= 0, "warm-up", WarmUpSteps, "at least 0 steps");
        Require(MaxGradientNorm is null or > 0, "largest gradient norm", MaxGradientNorm ?? 0, "above 0");
        Require(RowsAtOnce >= 1, "rows at once", RowsAtOnce, "at least 1");
    }

    /// <summary>The rate of every step.</summary>
    public LearningRate Rates => new(LearningRate, Schedule, WarmUpSteps, Steps);

    /// <summary>A new optimiser.</summary>
    public IOptimizer CreateOptimizer() => Optimizer == OptimizerKind.AdamW ? new AdamW(WeightDecay) : new Sgd(Momentum, WeightDecay);

    private static void Require(bool holds, string what, double value, string must)
    {
        if (!holds)
            throw new FedLoraException("training-settings-invalid", $"The {what} is {value}; it must be {must}.",
                "Mend the training settings of the federation or the command.");
    }
}
