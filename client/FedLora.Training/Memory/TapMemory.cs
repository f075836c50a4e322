using FedLora.Adapters;

namespace FedLora.Training.Memory;

/// <summary>
/// Memory of the examples' own gradients in a private pass, see <see cref="Privacy.ClippingTap"/>: formed where an example has more rows
/// than that is worth, else the factors that they are made of.
/// </summary>
/// <param name="layout">The adapter's modules and heads.</param>
/// <param name="trained">Which factors are trained.</param>
/// <param name="product">Bytes of a number of the products: 4, whose inputs are kept as they are, or 2, which are copied.</param>
internal sealed class TapMemory(AdapterLayout layout, Factors trained, int product)
{
    private const int Float = 4;

    /// <summary>Bytes, beside the inputs that the pass keeps.</summary>
    /// <param name="examples">Of the pass.</param>
    /// <param name="length">Rows of each.</param>
    internal long Of(long examples, long length)
    {
        var bytes = layout.Heads.Where(_ => trained.HasFlag(Factors.Head))
            .Sum(head => examples * head.Shape.Aggregate(0L, (sum, size) => sum + size) * Float);
        foreach (var module in layout.Modules)
        {
            long rank = layout.RankOf(module);
            if (trained.HasFlag(Factors.A))
                bytes += Of(examples, length, rank, module.DIn, product == Float ? rank : rank + module.DIn);
            if (trained.HasFlag(Factors.B))
                bytes += Of(examples, length, module.DOut, rank, module.DOut + rank);
            if (trained.HasFlag(Factors.R))
                bytes += Of(examples, length, rank, rank, 2 * rank);
        }
        return bytes;
    }

    private static long Of(long examples, long length, long dOut, long dIn, long perRow) =>
        examples * Float * (length > 1 && 2 * length * length > dOut * dIn ? dOut * dIn : length * perRow);
}
