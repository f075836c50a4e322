using FedLora.Training.Blocks;
using FedLora.Training.Data;
using TorchSharp;
using static FedLora.Training.Kernels.Scalars;

namespace FedLora.Simulations.Pretraining;

/// <summary>
/// The pooler that a classifier reads through: tanh(W h + b) with W = 0.5 U (S + 0.01 mean(S) I)^(-1/2) U^T and b = -W m, where m and U S
/// U^T are mean and covariance of the first token's last hidden state h over texts. Masked tokens teach no pooler, and h itself is one
/// large common vector with small differences, on which a classifier's gradients are nearly parallel; centred and whitened, all differences
/// count alike, and clipped gradients (DP-SGD) point at them instead of at the common vector.
/// </summary>
internal static class WhiteningPooler
{
    private const double Deviation = 0.5;
    private const double Ridge = 0.01;
    private const int WindowsAtOnce = 64;

    /// <summary>Weight (width x width) and bias of the pooler.</summary>
    /// <param name="model">Loaded for masked tokens.</param>
    /// <param name="windows">Token ids, special ones included; many more than the model is wide.</param>
    /// <param name="cancellationToken">Looked at between pieces.</param>
    internal static (float[] Weight, float[] Bias) Fit(Transformer model, IReadOnlyList<int[]> windows, CancellationToken cancellationToken)
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        var pieces = new List<torch.Tensor>();
        foreach (var piece in windows.Chunk(WindowsAtOnce))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var inner = torch.NewDisposeScope();
            using var batch = model.Pack([.. piece.Select(window => new Example(window))]);
            var hidden = model.Hidden(new Pass(batch), Labels.Pooled(batch, model.Architecture, model.Device));
            pieces.Add(hidden.to(torch.ScalarType.Float64).MoveToOuterDisposeScope());
        }
        var states = torch.cat(pieces, 0);
        var mean = states.mean([0L]);
        var centred = states.sub(mean);
        var (values, vectors) = torch.linalg.eigh(centred.t().mm(centred).div(Held(states.shape[0])));
        var shrunk = values.clamp_min(Held(0)).SumWith(values.mean().mul(Held(Ridge))).sqrt().reciprocal().mul(Held(Deviation));
        var weight = vectors.mul(shrunk).mm(vectors.t());
        var bias = weight.mv(mean).neg();
        return (Floats(weight), Floats(bias));
    }

    private static float[] Floats(torch.Tensor tensor)
    {
        using var single = tensor.to(torch.ScalarType.Float32).contiguous();
        return single.data<float>().ToArray();
    }
}
