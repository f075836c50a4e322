using FedLora.Training.Kernels;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>Where a layer's parameter gradients go: into the list that a custom function returns, or in factors to a tap.</summary>
/// <param name="leaves">The layer's trainable slots, in the order of the function's arguments.</param>
/// <param name="tap">The tap, or null.</param>
/// <param name="rows">Rows of each example.</param>
/// <param name="results">What the function returns.</param>
/// <param name="firstLeaf">Place of the first leaf in it.</param>
internal sealed class GradientSink(Slot[] leaves, IGradientTap? tap, IReadOnlyList<int> rows, List<Tensor> results, int firstLeaf)
{
    /// <summary>Gradient scale * g^T a.</summary>
    public void Product(Slot parameter, Tensor g, Tensor a, double scale)
    {
        if (tap is not null)
            tap.Product(parameter, Own(g), Own(a), scale, rows);
        else
            Add(parameter, g.t().Times(a), scale);
    }

    /// <summary>Gradient: the sum of g's rows.</summary>
    public void Sum(Slot parameter, Tensor g)
    {
        if (tap is not null)
            tap.Sum(parameter, Own(g), rows);
        else
            Add(parameter, g.sum(0L, type: ScalarType.Float32), 1);
    }

    /// <summary>Whether a tap takes what gradients are made of instead of these.</summary>
    public bool IsTapped => tap is not null;

    /// <summary>The gradient is this, times scale.</summary>
    public void Add(Slot parameter, Tensor gradient, double scale)
    {
        var wide = gradient.to(ScalarType.Float32);
        results[firstLeaf + Array.IndexOf(leaves, parameter)] = scale == 1 ? wide : wide.mul_(Held(scale));
    }

    /// <summary>The tap owns what it gets: wrappers of its own, outside any scope.</summary>
    private static Tensor Own(Tensor tensor) => tensor.alias().DetachFromDisposeScope();
}
