using System.Globalization;
using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Training.Memory;

/// <summary>
/// How much memory a task takes at its peak, at most: from the model's config and the task's settings. Neither weights nor data are looked
/// at, so that it costs nothing, and tells nothing of the data; every example is taken for as long as it may be. What the examples
/// themselves take comes on top. Measured peaks beside it: docs/sizing.md.
/// </summary>
/// <param name="Program">Runtime, libraries, the node's own work; bytes, as all of these.</param>
/// <param name="Model">The frozen weights.</param>
/// <param name="Loading">What is needed beside the weights while they are read.</param>
/// <param name="Adapter">Its numbers, their gradients, what the optimiser remembers, and the copies that are received and sent.</param>
/// <param name="Pass">One pass of examples through the model and back.</param>
public sealed record MemoryEstimate(long Program, long Model, long Loading, long Adapter, long Pass)
{
    /// <summary>Of a program that has nothing to train yet, libtorch loaded: 220 MiB of a node that waits were measured.</summary>
    public const long OfProgram = 300L << 20;

    // What an allocator holds beyond what was asked for.
    private const double Slack = 1.1;

    private const int Float = 4;

    // As a checkpoint has them, at least.
    private const int Stored = 2;

    /// <summary>All of it: the weights are read before anything is trained.</summary>
    public long Total => Program + Model + Math.Max(Loading, Adapter + Pass);

    /// <summary>Estimates.</summary>
    /// <param name="model">The base model, as the task loads it.</param>
    /// <param name="layout">The adapter.</param>
    /// <param name="trained">Which factors are trained.</param>
    /// <param name="training">Steps: batch, longest example, optimiser.</param>
    /// <param name="isPrivate">Whether every example's gradient is clipped by itself.</param>
    /// <param name="expectedBatch">Examples of a step; under privacy the expected count.</param>
    /// <param name="compute">Type of the frozen weights; <see cref="ComputeType.Auto"/> is the larger one.</param>
    /// <param name="dropout">LoRA's.</param>
    public static MemoryEstimate Of(Architecture model, AdapterLayout layout, Factors trained, TrainingSpec training, bool isPrivate,
        double expectedBatch, ComputeType compute, double dropout)
    {
        var product = compute == ComputeType.BF16 ? 2 : Float;
        var (weights, loading) = Weights(model, product);
        var all = layout.ParameterCount(Factors.A | Factors.B | Factors.Head) + (trained.HasFlag(Factors.R)
            ? layout.ParameterCount(Factors.R) : 0);
        var changed = layout.ParameterCount(trained);
        var pass = new PassMemory(model, layout.Modules.Select(module => module.Name).ToHashSet(StringComparer.Ordinal), product,
            dropout > 0);
        var tap = isPrivate ? new TapMemory(layout, trained, product) : null;
        // Poisson sampling draws more than it expects, now and then.
        var most = (long)Math.Ceiling(isPrivate ? expectedBatch + (4 * Math.Sqrt(expectedBatch)) : expectedBatch);
        return new MemoryEstimate(OfProgram, weights, (long)(loading * Slack), OfAdapter(all, changed, training, isPrivate),
            (long)(Lengths(model, training).Max(length => OfPass(pass, tap, Math.Max(1, most), length)) * Slack));
    }

    /// <summary>E.g. <c>1.9 GiB (base model 0.5, adapter 0.1, a pass 1.0, the program 0.3)</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Gib(Total)} GiB (base model {Gib(Model)}, {(Loading > Adapter + Pass ? $"reading it {Gib(Loading)}"
            : $"adapter {Gib(Adapter)}, a pass {Gib(Pass)}")}, the program {Gib(Program)})");

    /// <summary>Bytes as GiB, rounded up to a tenth.</summary>
    public static string Gib(long bytes) => (Math.Ceiling(bytes * 10.0 / (1L << 30)) / 10).ToString("0.0", CultureInfo.InvariantCulture);

    private static (long Weights, long Loading) Weights(Architecture model, int product)
    {
        var names = model.Names;
        var linear = LinearShape.Of(model).Where(layer => !(model.TiedHead && model.Task != ModelTask.Classification
            && layer.Name == names.Head.Output)).Select(layer => (long)layer.DOut * layer.DIn).ToList();
        var words = (long)model.Vocabulary * model.Width;
        var positions = names.Positions is null ? 0 : (long)(model.MaxLength + model.FirstPosition) * model.Width;
        var patches = model.Image is { } image
            ? ((long)image.Channels * image.Patch * image.Patch * model.Width) + ((image.Patches + 2L) * model.Width) : 0;
        var turns = 2L * model.MaxLength * (model.Attention.Rotary?.Frequencies.Length ?? 0);
        // Of a tensor there is what the file has, and float32, until it is of the type that it is kept in. The words come first.
        var all = ((words + linear.Sum()) * product) + ((positions + patches + turns) * Float);
        return (all, Math.Max((words * (Stored + Float)) - all, linear.Max() * (Stored + Float)));
    }

    // Values, and as received, as started from, as exported and as encoded.
    private static long OfAdapter(long all, long changed, TrainingSpec training, bool isPrivate) =>
        (all * Float * 4) + (changed * Float * (3 + (training.Optimizer == "adamw" ? training.KeepOptimizer ? 5 : 3 : 0)
            + (isPrivate ? 8 : 0)));

    // Short examples have little of a pass each, but there may be many of them.
    private static IEnumerable<long> Lengths(Architecture model, TrainingSpec training)
    {
        long most = model.Image is { } image ? image.Patches + 1 : Math.Min(training.MaxTokens, model.MaxLength);
        if (model.Image is null)
        {
            for (var length = 8L; length < most; length *= 2)
                yield return length;
        }
        yield return most;
    }

    private static long OfPass(PassMemory pass, TapMemory? tap, long batch, long length)
    {
        // As MicroBatches cuts a batch of equal examples: as few pieces as can be, of like size.
        var fits = Math.Max(1, MicroBatches.RowsAtOnce / length);
        var pieces = (batch + fits - 1) / fits;
        var examples = (batch + pieces - 1) / pieces;
        var rows = examples * length;
        var kept = pass.Kept(rows, length);
        // On the way back what was kept goes, and the examples' gradients come.
        return pass.Beside(rows) + (tap is null ? kept : Math.Max(kept, pass.Inputs(rows) + tap.Of(examples, length)));
    }
}
