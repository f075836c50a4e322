using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>outer(act(inner(x))), or gated: outer(act(gate(x)) * up(x)) with gate and up in one projection.</summary>
public sealed class FeedForward(Activation activation, bool gated, Projection inner, Projection outer) : IDisposable
{
    public IEnumerable<Projection> Projections => [inner, outer];

    /// <summary>Rows x width, for the rows given.</summary>
    public Tensor Forward(Tensor x, Pass pass, IReadOnlyList<int> rows)
    {
        using var scope = NewDisposeScope();
        var hidden = inner.Forward(x, pass, rows);
        return outer.Forward(Activate(hidden), pass, rows).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor hidden)
    {
        if (!gated)
            return Activations.Apply(activation, hidden);
        var half = hidden.shape[1] / 2;
        return Activations.Apply(activation, hidden.narrow(1, 0, half)).mul(hidden.narrow(1, half, half));
    }

    public void Dispose()
    {
        inner.Dispose();
        outer.Dispose();
    }
}
