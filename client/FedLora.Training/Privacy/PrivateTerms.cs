using FedLora.Privacy;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Running;
using TorchSharp;

namespace FedLora.Training.Privacy;

/// <summary>
/// How a run is made private: Poisson sampling and clipped, noised steps, which belong together. The sum is divided by <see cref="TrainingSettings.BatchSize"/>, the expected batch.
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

    /// <summary>The same with sampling, dropout and noise that follow from a seed: for simulations, which have to be repeatable. What comes of it protects nobody.</summary>
    internal PrivateTerms Simulated(ulong seed) => this with { SimulatedSeed = seed };

    /// <summary>Trains in place, as <see cref="Trainer.Run"/> does.</summary>
    internal TrainingSummary Run(
        Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, TrainingSettings settings, IProgress<TrainingReport>? progress, CancellationToken cancel,
        IReadOnlyList<IReadOnlyList<int>>? units = null)
    {
        PrivateBounds.Require(ClipNorm, NoiseMultiplier, SamplingRate);
        IRandomSource source = SimulatedSeed is { } fixedSeed ? new SimulatedRandom(fixedSeed) : CryptographicRandom.Instance;
        // Were dropout foreseeable, an example's presence would show in the others' masks.
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        source.Fill(seed);
        using var dropout = new torch.Generator(BitConverter.ToUInt64(seed), model.Device);
        var step = new PrivateStep(ClipNorm, IsNoiseless ? 0 : NoiseMultiplier, settings.BatchSize, settings.RowsAtOnce, dropout, source);
        IBatchSampler sampler = units is null ? new PoissonSampler(Math.Max(1, examples.Count), SamplingRate, source) : new UnitSampler(units, SamplingRate, source);
        return new Trainer().Run(model, parameters, examples, settings with { MaxGradientNorm = null }, sampler, step, progress, cancel);
    }
}
