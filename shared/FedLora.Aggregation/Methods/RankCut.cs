using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>An adapter cut to a smaller rank: the first rows of A, the first columns of B.</summary>
internal static class RankCut
{
    /// <param name="state">Of the layout's rank.</param>
    /// <param name="scaleB">What B is multiplied by.</param>
    public static AdapterState Cut(AdapterState state, AdapterLayout layout, int rank, double scaleB) =>
        rank == layout.Rank && scaleB.Equals(1.0)
            ? state
            : new([.. state.Only(Factors.Head), .. layout.Modules.SelectMany(module =>
            {
                var product = state.Product(module);
                return Products.Tensors(module, product.B.Resized(module.DOut, rank).Times(scaleB), product.At.Resized(module.DIn, rank));
            })]);
}
