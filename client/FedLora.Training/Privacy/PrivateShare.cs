using FedLora.Training.Blocks;
using FedLora.Training.Kernels;
using FedLora.Training.Running;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Privacy;

/// <summary>
/// A node's part of a DP-SGD step, see <see cref="PrivateStep"/>: its examples' own gradients are clipped and added up, its own noise is
/// added once.
/// </summary>
/// <param name="parameters">What is trained.</param>
/// <param name="clip">C.</param>
/// <param name="deviation">sigma C.</param>
/// <param name="expectedBatch">What the noised sum is divided by.</param>
/// <param name="dropout">Source of LoRA's dropout, or null for none.</param>
/// <param name="noise">Of this node alone.</param>
internal sealed class PrivateShare(ParameterSet parameters, double clip, double deviation, double expectedBatch, Generator? dropout,
    GaussianNoise noise) : IStepShare, IDisposable
{
    private Tensor? _total;
    private ClippingTap? _tap;
    private double _loss;
    private int _labelled;

    public ParameterSet Parameters => parameters;

    public Generator? Dropout => dropout;

    public void Begin(int labels)
    {
        Dispose();
        _total = zeros([parameters.Count], dtype: ScalarType.Float64, device: parameters.Values.device).DetachFromDisposeScope();
        (_loss, _labelled) = (0, 0);
    }

    public IGradientTap? Open(int examples) => _tap = new ClippingTap(examples, parameters.Values.device);

    /// <summary>Each example's own mean, so that its gradient does not depend on who else is in the batch.</summary>
    public float[] Weights(IReadOnlyList<int> labels) => [.. labels.SelectMany(n => Enumerable.Repeat(1f / n, n))];

    public void Close(double loss, IReadOnlyList<int> labels)
    {
        using var tap = _tap!;
        var norms = tap.Norms();
        if (!Array.TrueForAll(norms, double.IsFinite))
            throw new FedLoraException("training-diverged", "The gradient of an example is not finite.", "Lower the learning rate.");
        // A hair below C, so that no rounding lets an example weigh more.
        tap.AddWeighted(parameters, _total!, Array.ConvertAll(norms, norm => Math.Min(1, clip * (1 - 1e-6) / norm)));
        _loss += loss;
        _labelled += labels.Count(n => n > 0);
    }

    public double End()
    {
        AddNoise(_total!);
        using (no_grad())
            parameters.Gradient.copy_(_total!.div_(Held(expectedBatch)));
        Dispose();
        return _labelled == 0 ? double.NaN : _loss / _labelled;
    }

    public void Dispose()
    {
        _tap?.Dispose();
        _total?.Dispose();
        (_tap, _total) = (null, null);
    }

    private void AddNoise(Tensor total)
    {
        if (deviation == 0)
            return;
        using var off = no_grad();
        var values = new double[total.numel()];
        noise.Fill(values, deviation);
        using var added = tensor(values, device: total.device);
        total.Plus(added);
        Array.Clear(values);
    }
}
