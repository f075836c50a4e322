using FedLora.Federations.Definitions;
using FedLora.Privacy;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Optimization;
using FedLora.Training.Running;
using TorchSharp;

namespace FedLora.Training.Privacy;

/// <summary>
/// How a run is made private: Poisson sampling and clipped, noised steps, which belong together. The sum is divided by
/// <see cref="TrainingSpec.BatchSize"/>, the expected batch.
/// </summary>
/// <param name="NoiseMultiplier">sigma, positive.</param>
/// <param name="SamplingRate">q, above 0 and at most 1.</param>
/// <param name="ClipNorm">C, positive.</param>
public sealed record PrivateTerms(double NoiseMultiplier, double SamplingRate, double ClipNorm)
{
    /// <summary>Whether the noise is left out.</summary>
    internal bool IsNoiseless { get; private init; }

    /// <summary>The same without any noise: for the audit, which has to see what that would show.</summary>
    internal PrivateTerms WithoutNoise() => this with { IsNoiseless = true };

    /// <summary>The seed of all that is drawn; null, outside simulations: the kernel's generator.</summary>
    internal ulong? SimulatedSeed { get; private init; }

    /// <summary>
    /// The same with sampling, dropout and noise that follow from a seed: for simulations, which have to be repeatable. What comes of it
    /// protects nobody.
    /// </summary>
    internal PrivateTerms Simulated(ulong seed) => this with { SimulatedSeed = seed };

    /// <summary>Trains in place, as <see cref="Trainer.Run"/> does.</summary>
    internal TrainingSummary Run(
        Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, TrainingSpec training,
        IProgress<TrainingReport>? progress, CancellationToken cancellationToken,
        IReadOnlyList<IReadOnlyList<int>>? units = null, OptimizerMemory? recalled = null)
    {
        using var dropout = Dropout(model);
        return new Trainer()
            .Run(model, parameters, examples, Training(training), seed: 0, Sampler(examples.Count, units), Step(training, dropout),
                recalled, progress, cancellationToken);
    }

    /// <summary>The settings without what would break the accounting.</summary>
    internal static TrainingSpec Training(TrainingSpec training) => training with { MaxGradNorm = 0 };

    /// <summary>Were dropout foreseeable, an example's presence would show in the others' masks.</summary>
    internal torch.Generator Dropout(Transformer model)
    {
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        Source(0).Fill(seed);
        return new torch.Generator(BitConverter.ToUInt64(seed), model.Device);
    }

    /// <summary>The sampler that the accountants account for.</summary>
    internal IBatchSampler Sampler(int examples, IReadOnlyList<IReadOnlyList<int>>? units) =>
        units is null ? new PoissonSampler(Math.Max(1, examples), SamplingRate, Source(1))
            : new UnitSampler(units, SamplingRate, Source(1));

    /// <summary>The step that goes with it.</summary>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>: a number is outside <see cref="PrivateBounds"/>.</exception>
    internal PrivateStep Step(TrainingSpec training, torch.Generator dropout)
    {
        PrivateBounds.Require(ClipNorm, NoiseMultiplier, SamplingRate);
        return new PrivateStep(ClipNorm, IsNoiseless ? 0 : NoiseMultiplier, training.BatchSize, MicroBatches.RowsAtOnce, dropout,
            Source(2));
    }

    // Where it follows from a seed, each use has a stream of its own.
    private IRandomSource Source(ulong use) => SimulatedSeed is { } seed ? new SimulatedRandom(seed, use) : CryptographicRandom.Instance;
}
