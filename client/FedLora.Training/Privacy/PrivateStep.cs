using FedLora.Privacy;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Running;
using static TorchSharp.torch;

namespace FedLora.Training.Privacy;

/// <summary>
/// The gradient of one DP-SGD step (Abadi et al. 2016, arXiv 1607.00133): (sum_i g_i min(1, C / |g_i|) + N(0, (sigma C)^2 I)) / (expected
/// batch), where g_i is the gradient of example i's own mean loss over all trained tensors together. However the batch is split to fit
/// memory, the noise is added once. An empty batch gives noise alone. Goes with
/// <see cref="PoissonSampler"/>; any other sampler is not what the accountants account for. Norms, sum and noise are in double precision,
/// and what is rounded to single precision is the noised sum: what comes after the noise costs nothing. See <see cref="PrivateBounds"/> for
/// what that is worth.
/// </summary>
public sealed class PrivateStep : IGradientStep
{
    private readonly double _clip;
    private readonly double _deviation;
    private readonly double _expectedBatch;
    private readonly int _rowsAtOnce;
    private readonly Generator? _dropout;
    private readonly GaussianNoise _noise;

    /// <param name="clipNorm">C, positive.</param>
    /// <param name="noiseMultiplier">sigma, positive.</param>
    /// <param name="expectedBatch">A fixed number, e.g. q times a public count; never the size that was drawn. At least 1 is
    /// sensible.</param>
    /// <param name="rowsAtOnce">See <see cref="MicroBatches.RowsAtOnce"/>.</param>
    /// <param name="dropout">Source of LoRA's dropout, or null for none.</param>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>: also where a number is outside <see cref="PrivateBounds"/>.</exception>
    public PrivateStep(double clipNorm, double noiseMultiplier, double expectedBatch, int rowsAtOnce, Generator? dropout = null)
        : this(clipNorm, noiseMultiplier, expectedBatch, rowsAtOnce, dropout, CryptographicRandom.Instance) =>
        PrivateBounds.Require(clipNorm, noiseMultiplier, 1);

    /// <summary>For tests and the audit: a noise multiplier of 0 turns the noise off.</summary>
    internal PrivateStep(double clipNorm, double noiseMultiplier, double expectedBatch, int rowsAtOnce, Generator? dropout,
        IRandomSource source)
    {
        if (!(clipNorm > 0) || !double.IsFinite(clipNorm) || !(noiseMultiplier >= 0) || !double.IsFinite(noiseMultiplier)
            || !(expectedBatch > 0) || !double.IsFinite(expectedBatch))
            throw new FedLoraException("privacy-invalid",
                $"Private training cannot run with clip norm {clipNorm}, noise multiplier {noiseMultiplier}, expected batch "
                    + $"{expectedBatch}.", "All three are positive numbers.");
        (_clip, _deviation, _expectedBatch, _rowsAtOnce, _dropout) = (clipNorm, noiseMultiplier * clipNorm, expectedBatch, rowsAtOnce,
            dropout);
        _noise = new GaussianNoise(source);
    }

    /// <inheritdoc/>
    public StepLoss Run(Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, CancellationToken cancellationToken)
    {
        using var share = Share(parameters);
        return SharedPasses.Run(model, [new StepMember(share, examples, null)], _rowsAtOnce, cancellationToken)[0];
    }

    /// <summary>Its part of steps that other nodes go through too.</summary>
    internal PrivateShare Share(ParameterSet parameters) => new(parameters, _clip, _deviation, _expectedBatch, _dropout, _noise);
}
