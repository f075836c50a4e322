using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// Taps a backward pass for what per-example gradients are made of (ghost clipping and book-keeping: Bu et al. 2022, arXiv 2210.00038).
/// While a pass has a tap, trainable tensors get no <c>.grad</c>: each is handed to the tap instead, once for every place it is used at.
/// Rows lie in the order of the examples, so the rows of example i are contiguous: <c>rows[i]</c> of them. The tensors live until the tap
/// disposes them.
/// </summary>
public interface IGradientTap
{
    /// <summary>The gradient of example i is the sum over its rows t of scale * g_t a_t^T, of the parameter's shape (out x in).</summary>
    /// <param name="parameter">The trainable matrix.</param>
    /// <param name="g">rows x out: gradient of the loss by the layer's output.</param>
    /// <param name="a">rows x in: the layer's input.</param>
    /// <param name="scale">A factor, the same for all rows.</param>
    /// <param name="rows">How many rows each example has.</param>
    void Product(Slot parameter, Tensor g, Tensor a, double scale, IReadOnlyList<int> rows);

    /// <summary>The gradient of example i is the sum over its rows t of g_t, of the parameter's shape (out).</summary>
    /// <param name="parameter">The trainable vector, e.g. a bias.</param>
    /// <param name="g">rows x out.</param>
    /// <param name="rows">How many rows each example has.</param>
    void Sum(Slot parameter, Tensor g, IReadOnlyList<int> rows);
}
