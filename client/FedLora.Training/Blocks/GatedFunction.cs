using FedLora.Training.Kernels;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>silu(a) b as one step of autograd, see <see cref="GatedKernel"/>. Only what goes in is kept.</summary>
internal sealed class GatedFunction : CustomFunction<GatedFunction>
{
    /// <param name="ctx">Keeps a and b.</param>
    /// <param name="vars">a and b beside each other: rows x 2n.</param>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var hidden = (Tensor)vars[0];
        using var off = no_grad();
        Keep(ctx, hidden);
        var result = empty([hidden.shape[0], hidden.shape[1] / 2], dtype: hidden.dtype);
        GatedKernel.Forward(hidden, result);
        return result;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        Tensor dHidden;
        using (grad_output)
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            var hidden = Take(ctx, scope)[0];
            dHidden = empty_like(hidden);
            GatedKernel.Backward(hidden, grad_output.contiguous(), dHidden);
            dHidden.MoveToOuterDisposeScope();
        }
        return Handover.Return([dHidden]);
    }
}
