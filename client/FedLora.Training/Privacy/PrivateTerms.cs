using System.Security.Cryptography;
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
    private bool isNoiseless;

    /// <summary>The same without any noise: for the audit, which has to see what that would show.</summary>
    internal PrivateTerms WithoutNoise() => this with { isNoiseless = true };

    /// <summary>Trains in place, as <see cref="Trainer.Run"/> does.</summary>
    internal TrainingSummary Run(
        Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, TrainingSettings settings, IProgress<TrainingReport>? progress, CancellationToken cancel,
        IReadOnlyList<IReadOnlyList<int>>? units = null)
    {
        // Were dropout foreseeable, an example's presence would show in the others' masks.
        using var dropout = new torch.Generator(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))), model.Device);
        var step = isNoiseless
            ? new PrivateStep(ClipNorm, 0, settings.BatchSize, settings.RowsAtOnce, dropout, CryptographicRandom.Instance)
            : new PrivateStep(ClipNorm, NoiseMultiplier, settings.BatchSize, settings.RowsAtOnce, dropout);
        IBatchSampler sampler = units is null ? new PoissonSampler(Math.Max(1, examples.Count), SamplingRate) : new UnitSampler(units, SamplingRate);
        return new Trainer().Run(model, parameters, examples, settings with { MaxGradientNorm = null }, sampler, step, progress, cancel);
    }
}
