using FedLora.Privacy;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Running;
using static TorchSharp.torch;

namespace FedLora.Training.Privacy;

/// <summary>
/// The gradient of one DP-SGD step (Abadi et al. 2016, arXiv 1607.00133): (sum_i g_i min(1, C / |g_i|) + N(0, (sigma C)^2 I)) / (expected batch), where g_i is the gradient of example i's own mean
/// loss over all trained tensors together. However the batch is split to fit memory, the noise is added once. An empty batch gives noise alone. Goes with
/// <see cref="PoissonSampler"/>; any other sampler is not what the accountants account for. Norms, sum and noise are in double precision, and what is rounded to single precision is the noised sum:
/// what comes after the noise costs nothing. See <see cref="PrivateBounds"/> for what that is worth.
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
    /// <param name="expectedBatch">A fixed number, e.g. q times a public count; never the size that was drawn. At least 1 is sensible.</param>
    /// <param name="rowsAtOnce">See <see cref="TrainingSettings.RowsAtOnce"/>.</param>
    /// <param name="dropout">Source of LoRA's dropout, or null for none.</param>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>: also where a number is outside <see cref="PrivateBounds"/>.</exception>
    public PrivateStep(double clipNorm, double noiseMultiplier, double expectedBatch, int rowsAtOnce, Generator? dropout = null)
        : this(clipNorm, noiseMultiplier, expectedBatch, rowsAtOnce, dropout, CryptographicRandom.Instance) => PrivateBounds.Require(clipNorm, noiseMultiplier, 1);

    /// <summary>For tests and the audit: a noise multiplier of 0 turns the noise off.</summary>
    internal PrivateStep(double clipNorm, double noiseMultiplier, double expectedBatch, int rowsAtOnce, Generator? dropout, IRandomSource source)
    {
        if (!(clipNorm > 0) || !double.IsFinite(clipNorm) || !(noiseMultiplier >= 0) || !double.IsFinite(noiseMultiplier) || !(expectedBatch > 0) || !double.IsFinite(expectedBatch))
            throw new FedLoraException("privacy-invalid", $"Private training cannot run with clip norm {clipNorm}, noise multiplier {noiseMultiplier}, expected batch {expectedBatch}.", "All three are positive numbers.");
        (_clip, _deviation, _expectedBatch, _rowsAtOnce, _dropout) = (clipNorm, noiseMultiplier * clipNorm, expectedBatch, rowsAtOnce, dropout);
        _noise = new GaussianNoise(source);
    }

    /// <inheritdoc/>
    public StepLoss Run(Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, CancellationToken cancel)
    {
        using var total = zeros([parameters.Count], dtype: ScalarType.Float64, device: model.Device);
        var (loss, labelled, rows) = (0.0, 0, 0);
        foreach (var piece in MicroBatches.Split(examples, model.Architecture, _rowsAtOnce))
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = model.Pack(piece);
            rows += batch.Rows;
            var labels = Labels.Of(batch, model.Architecture, model.Device);
            if (labels.Count == 0)
                continue;
            loss += AddClipped(model, parameters, total, batch, labels);
            labelled += labels.Rows.Counts.Count(n => n > 0);
        }
        AddNoise(total);
        using (no_grad())
            parameters.Gradient.copy_(total.div_(_expectedBatch));
        return new StepLoss(labelled == 0 ? double.NaN : loss / labelled, rows);
    }

    /// <summary>Adds the piece's clipped gradients; returns the sum of its examples' losses.</summary>
    private float AddClipped(Transformer model, ParameterSet parameters, Tensor total, Batch batch, Labels labels)
    {
        using var tap = new ClippingTap(batch.Examples.Count, model.Device);
        // Each example's own mean, so that its gradient does not depend on who else is in the batch.
        var weights = tensor(labels.Rows.Counts.SelectMany(n => Enumerable.Repeat(1f / n, n)).ToArray(), device: model.Device);
        var (sum, _) = Objective.Run(model, new Pass(batch) { Tap = tap, Dropout = _dropout }, labels, weights);
        sum.backward();
        Handover.Clear();
        var norms = tap.Norms();
        if (!Array.TrueForAll(norms, double.IsFinite))
            throw new FedLoraException("training-diverged", "The gradient of an example is not finite.", "Lower the learning rate.");
        // A hair below C, so that no rounding lets an example weigh more.
        tap.AddWeighted(parameters, total, Array.ConvertAll(norms, norm => Math.Min(1, _clip * (1 - 1e-6) / norm)));
        return sum.item<float>();
    }

    private void AddNoise(Tensor total)
    {
        if (_deviation == 0)
            return;
        using var off = no_grad();
        var noise = new double[total.numel()];
        _noise.Fill(noise, _deviation);
        using var added = tensor(noise, device: total.device);
        total.add_(added);
        Array.Clear(noise);
    }
}
