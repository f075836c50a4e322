using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// How far a new product is from the weighted mean of the nodes' products, over all modules:
/// ||sum p_k s_k B_k A_k - new||_F / ||sum p_k s_k B_k A_k||_F, from thin factors alone.
/// </summary>
internal static class AggregationError
{
    // Beyond so many nodes, comparing all pairs costs more than the round itself.
    private const int MostNodesCompared = 16;
    private const int Probes = 16;

    /// <summary>Compares the nodes' products with the new ones: exactly, or with many nodes by random probes.</summary>
    /// <param name="products">The new product of a module as a sum of such, made for each call: they are given back after it.</param>
    public static AggregationReport Report(Round round, AggregationOptions options, Func<AdapterModule, IReadOnlyList<NodeProduct>> products)
    {
        if (!options.MeasureError)
            return new(round.Count, null);
        return round.Count <= MostNodesCompared
            ? new(round.Count, Relative(round.PerModule(module =>
            {
                var (nodes, results) = (round.Products(module), products(module));
                var squares = Compare(nodes, results);
                foreach (var product in (IEnumerable<NodeProduct>)[.. nodes, .. results])
                    product.Dispose();
                return squares;
            })))
            : new(round.Count, Estimate(round, options, products), Estimated: true);
    }

    /// <summary>The same for a method whose nodes differ in one factor only, so that the mean of their products is the product with the mean.</summary>
    public static AggregationReport Report(Round round, AggregationOptions options, Means means, AdapterState result) =>
        new(round.Count, options.MeasureError ? Relative(round.PerModule(module =>
        {
            using var mean = means.Product(module);
            using var product = result.Product(options.Layout, module);
            return Compare([mean], [product]);
        })) : null);

    /// <summary>The same for a method that knows the mean product itself.</summary>
    public static AggregationReport Report(Round round, AggregationOptions options, IEnumerable<(double Difference, double Whole)> squares) =>
        new(round.Count, options.MeasureError ? Relative(squares) : null);

    /// <summary>Squared norms of (ideal - result) and of ideal, each a sum of products.</summary>
    public static (double Difference, double Whole) Compare(IReadOnlyList<NodeProduct> ideal, IReadOnlyList<NodeProduct> result)
    {
        NodeProduct[] all = [.. ideal, .. result.Select(p => p with { Factor = -p.Factor })];
        var (difference, whole) = (0.0, 0.0);
        for (var i = 0; i < all.Length; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var inner = i == j ? all[i].Factor * all[i].Factor * LowRank.SquaredNorm(all[i].B, all[i].At) : 2 * LowRank.Inner(all[i], all[j]);
                difference += inner;
                whole += i < ideal.Count ? inner : 0;
            }
        }
        return (Math.Max(0, difference), Math.Max(0, whole));
    }

    private static double Relative(IEnumerable<(double Difference, double Whole)> squares)
    {
        var (difference, whole) = squares.Aggregate((Difference: 0.0, Whole: 0.0), (sum, s) => (sum.Difference + s.Difference, sum.Whole + s.Whole));
        return whole > 0 ? Math.Sqrt(difference / whole) : difference == 0 ? 0 : double.PositiveInfinity;
    }

    // For random signs w, E ||M w||^2 = ||M||_F^2 (Hutchinson 1990); the same signs for both norms.
    private static double Estimate(Round round, AggregationOptions options, Func<AdapterModule, IReadOnlyList<NodeProduct>> products)
    {
        var signs = round.Layout.Modules.ToDictionary(m => m.Name, m => Signs(m, options.Seed), StringComparer.Ordinal);
        var sums = round.Layout.Modules.ToDictionary(m => m.Name, m => new Matrix(m.DOut, Probes), StringComparer.Ordinal);
        round.ForEachProduct((module, product) => sums[module.Name].AddProduct(product.B, product.At.TransposedTimes(signs[module.Name]).Times(product.Factor)));
        return Relative(round.PerModule(module =>
        {
            var sum = sums[module.Name];
            var whole = sum.Inner(sum);
            foreach (var product in products(module))
                sum.Add(-product.Factor, product.B.Times(product.At.TransposedTimes(signs[module.Name])));
            return (sum.Inner(sum), whole);
        }));
    }

    private static Matrix Signs(AdapterModule module, ulong seed)
    {
        var (random, signs) = (Random64.For(seed, $"probe/{module.Name}"), new Matrix(module.DIn, Probes));
        for (var j = 0; j < Probes; j++)
        {
            foreach (ref var sign in signs.Column(j))
                sign = (random.Next() >> 63) == 0 ? 1 : -1;
        }
        return signs;
    }
}
