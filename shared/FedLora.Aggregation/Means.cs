using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>Weighted means of one module's tensors, in float64, for as long as a call lasts; as tensors, rounded once.</summary>
/// <param name="global">The adapter that the round started from: factors that were not sent are its own.</param>
/// <param name="place">The module's in the layout.</param>
/// <param name="tensors">Names and shapes of what was sent.</param>
/// <param name="sums">Row-major, one for each, at least as long.</param>
/// <param name="room">Where results come to lie, by name.</param>
internal sealed class Means(AdapterState global, AdapterLayout layout, AdapterModule module, int place,
    (string Name, int[] Shape)[] tensors, double[][] sums, IReadOnlyDictionary<string, AdapterTensor> room)
{
    /// <summary>The module's place in the layout.</summary>
    public int Place => place;

    /// <summary>
    /// B (d_out x r; for Fed-SB B R), A^T and s. Where all nodes shared the other factors, that is the mean of their products.
    /// </summary>
    public NodeProduct Product()
    {
        var rank = layout.RankOf(module);
        var sumB = Sum(Factors.B);
        var sumA = Sum(Factors.A);
        var sumR = Sum(Factors.R);
        var b = sumB.IsEmpty ? Matrix.FromRows<float>(global[Products.Key(module, Factors.B)].Values, module.DOut, rank)
            : Matrix.FromRows(sumB, module.DOut, rank);
        var at = sumA.IsEmpty ? Matrix.FromColumns(global[Products.Key(module, Factors.A)].Values, module.DIn, rank)
            : Matrix.FromColumns(sumA, module.DIn, rank);
        if (!sumR.IsEmpty)
            b = b.Times(Matrix.FromRows(sumR, rank, rank));
        return new NodeProduct(b, at, layout.ScaleOf(module));
    }

    /// <summary>The means.</summary>
    public AdapterTensor[] Tensors() => [.. tensors.Select((t, i) =>
    {
        var mean = room[t.Name];
        Vectors.Narrow(sums[i].AsSpan(0, mean.Values.Length), mean.Values);
        return mean;
    })];

    /// <summary>A factor that the round makes, not yet written.</summary>
    public AdapterTensor Room(Factors factor) => room[Products.Key(module, factor)];

    /// <summary>
    /// The means, and what rounding one of two factors did to their product: squared norms of the difference and of the whole.
    /// </summary>
    public (AdapterTensor[] Tensors, (double Difference, double Whole) Squares) Rounded(bool measure)
    {
        var rounded = Tensors();
        if (!measure)
            return (rounded, default);
        using var before = Product();
        var own = ((IEnumerable<Factors>)[Factors.A, Factors.B, Factors.R])
            .Select(f => global.TryGet(Products.Key(module, f), out var tensor) ? tensor : null).OfType<AdapterTensor>();
        using var after = new AdapterState(own).With(rounded).Product(layout, module);
        using var difference = Sum(Factors.A).IsEmpty ? new NodeProduct(before.B.Minus(after.B), before.At.Copy(), before.Factor)
            : new NodeProduct(before.B.Copy(), before.At.Minus(after.At), before.Factor);
        return (rounded, (difference.SquaredNorm(), before.SquaredNorm()));
    }

    /// <summary>The mean of a factor, row by row; empty where it was not sent.</summary>
    public ReadOnlySpan<double> Sum(Factors factor)
    {
        for (var i = 0; i < tensors.Length; i++)
        {
            if (tensors[i].Name == Products.Key(module, factor))
                return sums[i].AsSpan(0, AdapterTensor.Count(tensors[i].Shape));
        }
        return default;
    }
}
