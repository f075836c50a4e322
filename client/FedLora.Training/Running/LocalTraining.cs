using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Lora;
using FedLora.Training.Models;
using FedLora.Training.Optimization;
using FedLora.Training.Privacy;

namespace FedLora.Training.Running;

/// <summary>What a node trains in a round.</summary>
/// <param name="Start">Adapter and layout to start from.</param>
/// <param name="Trained">Which factors are trained.</param>
/// <param name="Training">How; its schedule runs over these steps.</param>
public sealed record LocalTask(NodeStart Start, Factors Trained, TrainingSpec Training)
{
    /// <summary>Decides the order of the examples and LoRA's dropout: the same seed, the same run.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// What AdamW goes on with, <see cref="OptimizerMemory.Empty"/> the first time: <see cref="TrainingSummary.Optimizer"/> is then what it
    /// leaves. Null: it starts anew, and nothing is kept.
    /// </summary>
    public OptimizerMemory? Recalled { get; init; }

    /// <summary>LoRA's dropout, 0 to below 1.</summary>
    public double Dropout { get; init; }

    /// <summary>Differential privacy by DP-SGD; null without.</summary>
    public PrivateTerms? Privacy { get; init; }

    /// <summary>Under privacy: the examples of each unit, by index; null where each example is one.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Units { get; init; }
}

/// <summary>What came of it.</summary>
/// <param name="Trained">The trained tensors only.</param>
/// <param name="Adapter">The whole adapter.</param>
/// <param name="Summary">Losses, counts, time.</param>
public sealed record LocalResult(AdapterState Trained, AdapterState Adapter, TrainingSummary Summary);

/// <summary>A node's part of a round: adapter on, train, adapter off. The base model is the same afterwards.</summary>
public static class LocalTraining
{
    /// <summary>Runs it. Blocks; the result depends on nothing but the arguments.</summary>
    /// <param name="model">The base model, all folds in it.</param>
    /// <param name="task">What to train.</param>
    /// <param name="examples">At least one.</param>
    /// <exception cref="FedLoraException">As <see cref="AdapterBinding"/> and <see cref="Trainer"/>; <c>training-nothing</c>: no tensor to
    /// train; <c>embedding-private</c>.</exception>
    public static LocalResult Run(BaseModel model, LocalTask task, IReadOnlyList<Example> examples,
        IProgress<TrainingReport>? progress = null, CancellationToken cancellationToken = default)
    {
        if (task.Privacy is not null)
            ModelLayout.RequirePrivate(model.Architecture, task.Start.Layout);
        using var binding = new AdapterBinding(model.Transformer, task.Start.Adapter, task.Start.Layout, task.Dropout);
        using var parameters = new ParameterSet(Trained(binding, task), model.Transformer.Device);
        var summary = task.Privacy is { } terms
            ? terms.Run(model.Transformer, parameters, examples, task.Training, progress, cancellationToken, task.Units,
                task.Recalled)
            : new Trainer().Run(model.Transformer, parameters, examples, task.Training, task.Seed, recalled: task.Recalled,
                progress: progress, cancellationToken: cancellationToken);
        var trained = parameters.Export();
        trained.RequireFinite();
        return new LocalResult(trained, binding.Export(), summary);
    }

    /// <summary>The slots that a task trains.</summary>
    /// <exception cref="FedLoraException"><c>training-nothing</c>.</exception>
    internal static Slot[] Trained(AdapterBinding binding, LocalTask task) =>
        binding.Slots(task.Trained).ToArray() is { Length: > 0 } slots ? slots
            : throw new FedLoraException("training-nothing",
                $"The adapter has no tensor of the kind that shall be trained ({task.Trained}).",
                "Check the method, the target modules and the head policy of the federation.");
}
