using FedLora.Training.Kernels;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>outer(act(inner(x))), or gated: outer(act(gate(x)) * up(x)) with gate and up in one projection.</summary>
public sealed class FeedForward(Activation activation, bool gated, Projection inner, Projection outer) : IDisposable
{
    public IEnumerable<Projection> Projections => [inner, outer];

    /// <summary>The type that it computes its products in.</summary>
    public ScalarType ProductType => inner.Weight.Value.dtype;

    /// <summary>Rows x width, for the rows given.</summary>
    public Tensor Forward(Tensor x, Pass pass, IReadOnlyList<int> rows)
    {
        using var scope = NewDisposeScope();
        // What is rounded once on its way to the next product need not be wide in between.
        var isOneStep = (!gated || activation == Activation.Silu) && x.device_type == TorchSharp.DeviceType.CPU;
        var hidden = inner.Forward(x, pass, rows, isOneStep ? inner.Weight.Value.dtype : ScalarType.Float32);
        return outer.Forward(Activate(hidden), pass, rows).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor hidden)
    {
        if (!gated)
            return Activations.Apply(activation, hidden);
        if (activation == Activation.Silu && HostMemory.CanRead(hidden))
            return GatedFunction.apply(hidden);
        var half = hidden.shape[1] / 2;
        return Activations.Apply(activation, hidden.narrow(1, 0, half)).mul(hidden.narrow(1, half, half));
    }

    public void Dispose()
    {
        inner.Dispose();
        outer.Dispose();
    }
}
