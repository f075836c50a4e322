using FedLora.Training.Models;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>Turns queries and keys by their positions, see <see cref="RotaryShape"/>.</summary>
public sealed class Rotary : IDisposable
{
    private readonly Tensor _cosine;
    private readonly Tensor _sine;

    /// <param name="shape">Frequencies.</param>
    /// <param name="maxLength">Positions to prepare.</param>
    /// <param name="device">Where the tables lie.</param>
    public Rotary(RotaryShape shape, int maxLength, Device device)
    {
        var (cosine, sine) = (new float[maxLength * shape.Frequencies.Length], new float[maxLength * shape.Frequencies.Length]);
        for (var i = 0; i < cosine.Length; i++)
        {
            var (sin, cos) = Math.SinCos(i / shape.Frequencies.Length * shape.Frequencies[i % shape.Frequencies.Length]);
            (cosine[i], sine[i]) = ((float)(cos * shape.Factor), (float)(sin * shape.Factor));
        }
        _cosine = tensor(cosine, [maxLength, 1, shape.Frequencies.Length], device: device).DetachFromDisposeScope();
        _sine = tensor(sine, [maxLength, 1, shape.Frequencies.Length], device: device).DetachFromDisposeScope();
    }

    /// <summary>Cosine and sine at each row's position, rows x 1 x frequencies.</summary>
    public (Tensor Cosine, Tensor Sine) At(Tensor positions) => (_cosine.index_select(0, positions), _sine.index_select(0, positions));

    /// <summary>Turns x, rows x heads x head size.</summary>
    public static Tensor Turn(Tensor x, (Tensor Cosine, Tensor Sine) at) => RotaryFunction.apply(x, at.Cosine, at.Sine);

    public void Dispose()
    {
        _cosine.Dispose();
        _sine.Dispose();
    }
}

/// <summary>(a, b) -> (a cos - b sin, b cos + a sin) on the halves of the turned entries; its gradient is the turn back.</summary>
internal sealed class RotaryFunction : CustomFunction<RotaryFunction>
{
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, cosine, sine) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        using var off = no_grad();
        Keep(ctx, cosine, sine);
        return Turn(x, cosine, sine, 1);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using (grad_output)
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            var saved = Take(ctx, scope);
            var back = Turn(grad_output, saved[0], saved[1], -1).MoveToOuterDisposeScope();
            return Handover.Return([back, null!, null!]);
        }
    }

    private static Tensor Turn(Tensor x, Tensor cosine, Tensor sine, int direction)
    {
        using var scope = NewDisposeScope();
        var (half, size) = (cosine.shape[^1], x.shape[^1]);
        var (a, b) = (x.narrow(-1, 0, half), x.narrow(-1, half, half));
        var y = empty(x.shape, dtype: x.dtype, device: x.device);
        var (first, second) = (y.narrow(-1, 0, half), y.narrow(-1, half, half));
        first.copy_(a.mul(cosine)).addcmul_(b, sine, Held(-direction));
        second.copy_(b.mul(cosine)).addcmul_(a, sine, Held(direction));
        if (size > 2 * half)
            y.narrow(-1, 2 * half, size - (2 * half)).copy_(x.narrow(-1, 2 * half, size - (2 * half)));
        return y.MoveToOuterDisposeScope();
    }
}
