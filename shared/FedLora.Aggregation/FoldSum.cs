using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>What many folds come to: a node fetches and applies one product instead of all that it lacks.</summary>
public static class FoldSum
{
    /// <summary>
    /// One fold whose product is the sum of the folds' products. While their ranks add up to less than a full matrix has, the factors side
    /// by side, bit by bit; beyond, B A is the sum itself beside an identity (times a power of two), each entry rounded to float32 once:
    /// never larger than a full matrix of float32 and that identity. Where the sum's true rank is at most half of that, factors of that
    /// rank, to 2^-22 of the sum's length: what rounds have in common does not grow with their number. A sum may be given as a fold again:
    /// t sums one after another lose at most t times that on the way.
    /// </summary>
    /// <param name="folds">At least one, each with A and B of every module, of any ranks.</param>
    /// <param name="layout">The federation's layout.</param>
    /// <param name="threads">How many may work; the result does not depend on it.</param>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>; <c>tensor-not-finite</c>: the sum does not fit into float32.</exception>
    public static AdapterState Of(IReadOnlyList<AdapterState> folds, AdapterLayout layout, int threads = 1)
    {
        var tensors = new AdapterTensor[layout.Modules.Length][];
        Parallel.For(0, tensors.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            using var sum = Of(folds, layout.Modules[i]);
            var (b, at, _) = sum.Shortest();
            tensors[i] = Products.Tensors(layout.Modules[i], b, at);
        });
        var state = new AdapterState(tensors.SelectMany(t => t));
        state.RequireFinite();
        return state;
    }

    /// <summary>The same of one module, after a first product where one is given.</summary>
    internal static ProductSum Of(IReadOnlyList<AdapterState> folds, AdapterModule module, NodeProduct? first = null)
    {
        var sum = new ProductSum(module.DOut, module.DIn,
            (first?.B.Columns ?? 0) + folds.Sum(fold => fold[Products.Key(module, Factors.A)].Rows));
        if (first is { } start)
            sum.Add(start);
        foreach (var fold in folds)
        {
            using var product = fold.Product(module);
            sum.Add(product);
        }
        return sum;
    }
}
