using System.Collections;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>Weighted means of a round's tensors, in float64; as tensors, rounded once, in order of their names.</summary>
/// <param name="global">The adapter that the round started from.</param>
/// <param name="sums">Row-major, by tensor name.</param>
internal sealed class Means(AdapterState global, AdapterLayout layout, IReadOnlyDictionary<string, double[]> sums) : IEnumerable<AdapterTensor>
{
    /// <summary>B (d_out x r; for Fed-SB B R), A^T and s of a module. Where all nodes shared the other factors, that is the mean of their products.</summary>
    public NodeProduct Product(AdapterModule module)
    {
        var rank = layout.RankOf(module);
        var b = sums.TryGetValue(Products.Key(module, Factors.B), out var meanB) ? Matrix.FromRows<double>(meanB, module.DOut, rank) : Matrix.FromRows<float>(global[Products.Key(module, Factors.B)].Values, module.DOut, rank);
        var at = sums.TryGetValue(Products.Key(module, Factors.A), out var meanA) ? Matrix.FromColumns(meanA, module.DIn, rank) : Matrix.FromColumns(global[Products.Key(module, Factors.A)].Values, module.DIn, rank);
        if (sums.TryGetValue(Products.Key(module, Factors.R), out var meanR))
            b = b.Times(Matrix.FromRows<double>(meanR, rank, rank));
        return new NodeProduct(b, at, layout.ScaleOf(module));
    }

    /// <summary>The means of some factors.</summary>
    public IEnumerable<AdapterTensor> Tensors(Factors factors) => layout.Tensors(factors)
        .Where(t => sums.ContainsKey(t.Name)).Select(t => new AdapterTensor(t.Name, t.Shape, Vectors.Round(sums[t.Name])));

    public IEnumerator<AdapterTensor> GetEnumerator() => Tensors(Factors.A | Factors.B | Factors.R | Factors.Head).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
