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

    /// <summary>Compares the nodes' products with the new ones: exactly, or where there are many by random probes.</summary>
    /// <param name="products">The new product of a module as a sum of such, made for each call: they are given back after it.</param>
    public static AggregationReport Report(Round round, AggregationOptions options,
        Func<AdapterModule, IReadOnlyList<NodeProduct>> products)
    {
        if (!options.MeasureError)
            return new(round.Count, null);
        if (Probes(round, options) is { } probes)
        {
            round.ForEachFactors(probes.Add, place => probes.Compare(place, products(round.Layout.Modules[place])));
            return Report(round, probes);
        }
        return new(round.Count, Relative(round.PerSum((module, sum) =>
        {
            var results = products(module);
            var squares = Compare([sum.Product()], results);
            foreach (var product in results)
                product.Dispose();
            return squares;
        })));
    }

    /// <summary>What estimates the error while the updates are read; null where it is not measured, or exactly, afterwards.</summary>
    public static ErrorProbes? Probes(Round round, AggregationOptions options)
    {
        var pairs = round.Layout.Modules.Sum(m => (double)round.Ranks(m) * round.Ranks(m) * (m.DOut + m.DIn));
        return options.MeasureError && (round.Count > MostNodesCompared || pairs > MostProducts)
            ? new ErrorProbes(round.Layout, options.Seed) : null;
    }

    /// <summary>The estimate, once every module is compared.</summary>
    public static AggregationReport Report(Round round, ErrorProbes probes)
    {
        var (error, standardError) = probes.Result();
        return new(round.Count, error) { StandardError = standardError };
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
}
