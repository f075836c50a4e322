using FedLora.Training.Kernels;
using FedLora.Training.Models;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>Normalises the last dimension, see <see cref="NormKind"/>.</summary>
public sealed class Norm(NormKind kind, double epsilon, Slot weight, Slot? bias) : IDisposable
{
    public IEnumerable<Slot> Slots => bias is null ? [weight] : [weight, bias];

    /// <summary>Same shape as x.</summary>
    /// <param name="x">Float32.</param>
    /// <param name="reader">The type that whatever reads the result converts it to; the result may be of it already, or float32.</param>
    public Tensor Forward(Tensor x, ScalarType reader = ScalarType.Float32) => kind == NormKind.Layer
        ? nn.functional.layer_norm(x, weight.Value.shape, weight.Value, bias?.Value, epsilon)
        : RmsNormFunction.apply(x, weight.Value, epsilon, kind == NormKind.RmsPlusOne ? 1.0 : 0.0, reader);

    public void Dispose()
    {
        foreach (var slot in Slots)
            slot.Dispose();
    }
}

/// <summary>
/// y = x q (w + c) with q = 1 / sqrt(mean(x^2) + eps) (Zhang and Sennrich 2019, arXiv 1910.07467). With v = g (w + c):
/// dL/dx = q (v - x q^2 mean(v x)), dL/dw = sum of g x q over the rows.
/// </summary>
internal sealed class RmsNormFunction : CustomFunction<RmsNormFunction>
{
    /// <param name="ctx">Keeps x and q.</param>
    /// <param name="vars">x, w, eps, c, the type of the result.</param>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, weight, epsilon, offset) = ((Tensor)vars[0], (Tensor)vars[1], (double)vars[2], (double)vars[3]);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        if (x.device_type == TorchSharp.DeviceType.CPU)
        {
            var (rows, whole) = (x.contiguous(), (offset == 0 ? weight : weight.add(Held(offset))).contiguous());
            var (result, inverse) = (empty(x.shape, dtype: (ScalarType)vars[4]),
                empty([x.numel() / weight.shape[0]], dtype: ScalarType.Float32));
            RmsNormKernel.Forward(rows, whole, epsilon, result, inverse);
            Save(rows, inverse);
            return result.MoveToOuterDisposeScope();
        }
        var q = x.mul(x).mean([-1], keepdim: true).add_(Held(epsilon)).rsqrt_();
        Save(x, q);
        return x.mul(q).mul_(offset == 0 ? weight : weight.add(Held(offset))).MoveToOuterDisposeScope();

        void Save(Tensor rows, Tensor inverse)
        {
            Keep(ctx, rows, weight, inverse);
            Note(ctx, "offset", offset);
            Note(ctx, "trainable", weight.requires_grad);
        }
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        Tensor dx;
        Tensor? dw = null;
        using (grad_output)
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            var saved = Take(ctx, scope);
            var (x, weight, q, offset) = (saved[0], saved[1], saved[2], (double)ctx.get_data("offset"));
            if ((bool)ctx.get_data("trainable"))
                dw = grad_output.to(ScalarType.Float32).mul(x).mul_(q.view([.. x.shape[..^1], 1])).reshape(-1, weight.shape[0]).sum(0L)
                    .MoveToOuterDisposeScope();
            var whole = offset == 0 ? weight : weight.add(Held(offset));
            if (x.device_type == TorchSharp.DeviceType.CPU)
            {
                dx = empty_like(x);
                RmsNormKernel.Backward(x, whole.contiguous(), q, grad_output.contiguous(), dx);
            }
            else
            {
                var v = grad_output.mul(whole);
                var mean = v.mul(x).mean([-1], keepdim: true).mul_(q).mul_(q);
                dx = v.sub_(x.mul(mean)).mul_(q);
            }
            dx.MoveToOuterDisposeScope();
        }
        return Handover.Return([dx, dw!, null!, null!, null!]);
    }
}
