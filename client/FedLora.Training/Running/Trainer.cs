using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Optimization;
using TorchSharp;

namespace FedLora.Training.Running;

/// <summary>How far training is.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Loss">Mean loss of the last step's batch, before the step.</param>
/// <param name="TokensPerSecond">Rows through the model per second since the start.</param>
public sealed record TrainingReport(int Step, int Steps, double Loss, double TokensPerSecond);

/// <summary>What training did.</summary>
/// <param name="Losses">Loss of each step's batch before the step; NaN where it held no label (private steps only).</param>
/// <param name="Rows">Tokens (or patches) that went through the model.</param>
/// <param name="Examples">Examples with something to learn that went through the model, repeats counted.</param>
/// <param name="Elapsed">Time taken.</param>
public sealed record TrainingSummary(IReadOnlyList<double> Losses, long Rows, long Examples, TimeSpan Elapsed)
{
    /// <summary>What the optimiser remembers; null where <see cref="TrainingSettings.Recalled"/> is.</summary>
    public OptimizerMemory? Optimizer { get; init; }

    /// <summary>Mean over the steps that had labels; NaN if none had.</summary>
    public double MeanLoss => Losses.Where(l => !double.IsNaN(l)).DefaultIfEmpty(double.NaN).Average();

    public double TokensPerSecond => Rows / Math.Max(Elapsed.TotalSeconds, 1e-9);
}

/// <summary>The training loop: sample, gradient, step. What is private about a private run lies in its sampler and its step.</summary>
/// <param name="time">Clock of the reports.</param>
public sealed class Trainer(TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Trains in place.</summary>
    /// <param name="model">With its adapter on.</param>
    /// <param name="parameters">What is trained.</param>
    /// <param name="examples">At least one.</param>
    /// <param name="settings">How.</param>
    /// <param name="sampler">Chooses each step's examples; null for shuffled passes over all that have something to learn.</param>
    /// <param name="gradient">Computes each step's gradient; null for the plain one.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at between micro-batches.</param>
    /// <exception cref="FedLoraException"><c>data-empty</c>, <c>data-nothing-to-learn</c>, <c>training-settings-invalid</c>,
    /// <c>training-diverged</c>, <c>example-invalid</c>.</exception>
    public TrainingSummary Run(
        Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, TrainingSettings settings,
        IBatchSampler? sampler = null, IGradientStep? gradient = null,
        IProgress<TrainingReport>? progress = null, CancellationToken cancellationToken = default)
    {
        using var run = new TrainingRun(model, parameters, examples, settings, sampler, _time);
        using var dropout = new torch.Generator(settings.Seed, model.Device);
        gradient ??= new PlainStep(settings.RowsAtOnce, dropout);
        while (!run.IsDone)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = torch.NewDisposeScope();
            var report = run.Take(gradient.Run(model, parameters, run.Next(), cancellationToken));
            progress?.Report(report);
        }
        return run.Summary;
    }

    /// <summary>The examples that have a label: a batch of others would give a step of weight decay alone.</summary>
    /// <exception cref="FedLoraException"><c>data-nothing-to-learn</c>: there is none.</exception>
    public static IReadOnlyList<Example> Learnable(IReadOnlyList<Example> examples, Transformer model)
    {
        Example[] learnable = [.. examples.Where(e => Labels.CountOf(e, model.Architecture) > 0)];
        return learnable.Length > 0 ? learnable
            : throw NothingToLearn();
    }

    internal static FedLoraException NothingToLearn() =>
        new("data-nothing-to-learn", "No example has anything to learn: no label, or a text of one token, which nothing stands before.",
            "Give labels, completions or longer texts.");
}
