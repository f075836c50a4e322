using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// How far a new product is from the weighted mean of the nodes' products, over all modules:
/// ||sum p_k s_k B_k A_k - new||_F / ||sum p_k s_k B_k A_k||_F, from thin factors alone.
/// </summary>
internal static class AggregationError
{
    // Beyond so many nodes or products, comparing all pairs costs more than the round itself.
    private const int MostNodesCompared = 16;
    private const double MostProducts = 8e9;

    // Of all modules; of one, no fewer than four and no more than it takes alone.
    private const int Probes = 192;

    /// <summary>Compares the nodes' products with the new ones: exactly, or where there are many by random probes.</summary>
    /// <param name="products">The new product of a module as a sum of such, made for each call: they are given back after it.</param>
    public static AggregationReport Report(Round round, AggregationOptions options,
        Func<AdapterModule, IReadOnlyList<NodeProduct>> products)
    {
        if (!options.MeasureError)
            return new(round.Count, null);
        var pairs = round.Layout.Modules.Sum(m => (double)round.Ranks(m) * round.Ranks(m) * (m.DOut + m.DIn));
        return round.Count <= MostNodesCompared && pairs <= MostProducts
            ? new(round.Count, Relative(round.PerSum((module, sum) =>
            {
                var results = products(module);
                var squares = Compare([sum.Product()], results);
                foreach (var product in results)
                    product.Dispose();
                return squares;
            })))
            : new(round.Count, Estimate(round, options, products), Estimated: true);
    }

    /// <summary>The same for a method that knows the mean product itself.</summary>
    public static AggregationReport Report(Round round, AggregationOptions options,
        IEnumerable<(double Difference, double Whole)> squares) =>
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
                var inner = i == j ? all[i].Factor * all[i].Factor * LowRank.SquaredNorm(all[i].B, all[i].At)
                    : 2 * LowRank.Inner(all[i], all[j]);
                difference += inner;
                whole += i < ideal.Count ? inner : 0;
            }
        }
        return (Math.Max(0, difference), Math.Max(0, whole));
    }

    private static double Relative(IEnumerable<(double Difference, double Whole)> squares)
    {
        var (difference, whole) = squares.Aggregate((Difference: 0.0, Whole: 0.0),
            (sum, s) => (sum.Difference + s.Difference, sum.Whole + s.Whole));
        return whole > 0 ? Math.Sqrt(difference / whole) : difference == 0 ? 0 : double.PositiveInfinity;
    }

    // For random signs w, E ||M w||^2 = ||M||_F^2 (Hutchinson 1990); the same signs for both norms.
    private static double Estimate(Round round, AggregationOptions options, Func<AdapterModule, IReadOnlyList<NodeProduct>> products)
    {
        var probes = Math.Clamp(Probes / round.Layout.Modules.Length, 4, 16);
        var modules = round.Layout.Modules;
        var (signs, sums, squares) = (new Matrix?[modules.Length], new Matrix?[modules.Length], new (double, double)[modules.Length]);
        round.ForEachFactors(
            // Made when a module's turn comes, so that with few nodes they stay in the nearer caches.
            (place, factor, b, a) => Sketch.Add(sums[place] ??= new Matrix(modules[place].DOut, probes), factor, b, a,
                signs[place] ??= Signs(modules[place], probes, options.Seed)),
            place =>
            {
                using var sum = sums[place]!;
                using var sign = signs[place]!;
                var whole = sum.Inner(sum);
                foreach (var product in products(modules[place]))
                {
                    using var inner = product.At.TransposedTimes(sign);
                    using var image = product.B.Times(inner);
                    sum.Add(-product.Factor, image);
                    product.Dispose();
                }
                squares[place] = (sum.Inner(sum), whole);
            });
        return Relative(squares);
    }

    private static Matrix Signs(AdapterModule module, int probes, ulong seed)
    {
        var (random, signs) = (Random64.For(seed, $"probe/{module.Name}"), new Matrix(module.DIn, probes));
        for (var j = 0; j < probes; j++)
        {
            foreach (ref var sign in signs.Column(j))
                sign = (random.Next() >> 63) == 0 ? 1 : -1;
        }
        return signs;
    }
}
