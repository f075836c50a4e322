using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>What one may ask about adapters' products s B A (Fed-SB: s B R A), from thin factors alone.</summary>
public static class AdapterAlgebra
{
    /// <summary>The singular values of a module's product, largest first.</summary>
    public static double[] Singular(AdapterState state, AdapterLayout layout, AdapterModule module)
    {
        var product = state.Product(layout, module);
        return LowRank.Truncate(product.B.Times(product.Factor), product.At, 1).Singular;
    }

    /// <summary>||P - Q||_F and ||P||_F of a module's products in two adapters of the same model, of any ranks.</summary>
    public static (double Distance, double Norm) Compare((AdapterState State, AdapterLayout Layout) one,
        (AdapterState State, AdapterLayout Layout) other, AdapterModule module)
    {
        var (difference, whole) = AggregationError.Compare([one.State.Product(one.Layout, module)],
            [other.State.Product(other.Layout, module)]);
        return (Math.Sqrt(difference), Math.Sqrt(whole));
    }

    /// <summary>
    /// The same adapter as plain LoRA factors of another rank with the scale kept: the best product of that rank (Eckart, Young), padded
    /// with zeros where the product has fewer.
    /// </summary>
    /// <returns>The adapter, its layout, and ||lost||_F / ||product||_F over all modules.</returns>
    public static (AdapterState State, AdapterLayout Layout, double Error) WithRank(AdapterState state, AdapterLayout layout, int rank)
    {
        var target = layout.WithRankKeepingScale(rank) with
        {
            Modules = [.. layout.Modules.Select(m => m with { Rank = null, Alpha = null })],
        };
        var (tensors, lost, whole) = (new List<AdapterTensor>(state.Only(Factors.Head)), 0.0, 0.0);
        foreach (var module in layout.Modules)
        {
            var product = state.Product(layout, module);
            var (b, at, singular) = LowRank.Truncate(product.B.Times(product.Factor / target.Scale), product.At, rank);
            tensors.AddRange(Products.Tensors(module, b, at));
            lost += singular.Skip(rank).Sum(s => s * s * target.Scale * target.Scale);
            whole += singular.Sum(s => s * s * target.Scale * target.Scale);
        }
        return (new AdapterState(tensors), target, whole > 0 ? Math.Sqrt(lost / whole) : 0);
    }
}
