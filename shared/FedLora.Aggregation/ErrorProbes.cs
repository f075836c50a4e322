using System.Runtime.CompilerServices;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// The aggregation error, estimated from what the products make of a few vectors w of random signs, which a pass over the updates adds up:
/// E ||M w||^2 = ||M||_F^2 (Hutchinson 1990). The same signs for the error as for the mean product, others for every module.
/// </summary>
internal sealed class ErrorProbes(AdapterLayout layout, ulong seed)
{
    // Of all modules; of one, no fewer than four and no more than it takes alone.
    private const int All = 192;
    private const int Most = 16;

    // Made when a module's turn comes, so that with few nodes they stay in the nearer caches.
    private readonly Matrix?[] _signs = new Matrix?[layout.Modules.Length];
    private readonly Matrix?[] _sums = new Matrix?[layout.Modules.Length];
    private readonly (double[] Difference, double[] Whole)[] _squares = new (double[], double[])[layout.Modules.Length];

    private int Count { get; } = Math.Clamp(All / Math.Max(1, layout.Modules.Length) / Sketch.Group * Sketch.Group, Sketch.Group, Most);

    /// <summary>Bytes that a module takes while its nodes are added.</summary>
    public long Bytes(AdapterModule module) => 8L * Count * (module.DOut + module.DIn);

    /// <summary>Adds a node's product; those of a module in the order of nodes.</summary>
    /// <inheritdoc cref="FactorsVisit"/>
    public void Add(int module, double factor, ReadOnlySpan<float> b, ReadOnlySpan<float> a) =>
        Sketch.Add(_sums[module] ??= new Matrix(Count, layout.Modules[module].DOut), factor, b, a,
            _signs[module] ??= Signs(layout.Modules[module]));

    /// <summary>Compares with the new product, once all nodes of a module are added.</summary>
    /// <inheritdoc cref="FactorsVisit"/>
    public void Compare(int module, double factor, ReadOnlySpan<float> b, ReadOnlySpan<float> a)
    {
        var whole = Sketch.Squares(_sums[module]!);
        Add(module, -factor, b, a);
        Close(module, whole);
    }

    /// <summary>The same, with a sum of products, which are given back.</summary>
    public void Compare(int module, IReadOnlyList<NodeProduct> results)
    {
        var whole = Sketch.Squares(_sums[module]!);
        foreach (var product in results)
        {
            using var inner = product.At.TransposedTimes(_signs[module]!);
            using var image = product.B.Times(inner);
            using var turned = image.Transposed();
            _sums[module]!.Add(-product.Factor, turned);
            product.Dispose();
        }
        Close(module, whole);
    }

    /// <summary>The error, and the standard error of this estimate, from how far the probes of each module are apart.</summary>
    public (double Error, double StandardError) Result()
    {
        var (difference, whole) = (_squares.Sum(s => s.Difference.Average()), _squares.Sum(s => s.Whole.Average()));
        if (!(whole > 0))
            return (difference == 0 ? 0 : double.PositiveInfinity, 0);
        if (difference == 0)
            return (0, 0);
        // Of the logarithm of the ratio, to first order.
        var variance = _squares.Sum(module =>
        {
            double[] parts = [.. module.Difference.Zip(module.Whole, (d, w) => (d / difference) - (w / whole))];
            var mean = parts.Average();
            return parts.Sum(part => (part - mean) * (part - mean)) / (parts.Length - 1) / parts.Length;
        });
        var error = Math.Sqrt(difference / whole);
        return (error, error * Math.Sqrt(variance) / 2);
    }

    private void Close(int module, double[] whole)
    {
        _squares[module] = (Sketch.Squares(_sums[module]!), whole);
        _sums[module]!.Dispose();
        _signs[module]!.Dispose();
        (_sums[module], _signs[module]) = (null, null);
    }

    // Sixty-four signs of every number.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Matrix Signs(AdapterModule module)
    {
        var (random, signs) = (Random64.For(seed, $"probe/{module.Name}"), new Matrix(module.DIn, Count));
        for (var j = 0; j < Count; j++)
        {
            var column = signs.Column(j);
            var bits = 0UL;
            for (var i = 0; i < column.Length; i++)
            {
                bits = i % 64 == 0 ? random.Next() : bits >> 1;
                column[i] = 1.0 - (2.0 * (bits & 1));
            }
        }
        return signs;
    }
}
