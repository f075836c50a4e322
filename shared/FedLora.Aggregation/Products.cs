using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>Between an adapter's tensors and a module's factors as matrices.</summary>
internal static class Products
{
    /// <summary>The module's B (d_out x r; for Fed-SB B R) and A^T (d_in x r), with factor s.</summary>
    public static NodeProduct Product(this AdapterState state, AdapterLayout layout, AdapterModule module) =>
        state.Product(module) with { Factor = layout.ScaleOf(module) };

    /// <summary>The same with factor 1, as in folds.</summary>
    public static NodeProduct Product(this AdapterState state, AdapterModule module)
    {
        var (b, a) = (state[Key(module, Factors.B)], state[Key(module, Factors.A)]);
        var product = new NodeProduct(Matrix.FromRows<float>(b.Values, b.Rows, b.Columns), Matrix.FromColumns(a.Values, a.Columns, a.Rows),
            1);
        return state.TryGet(Key(module, Factors.R), out var r)
            ? product with { B = product.B.Times(Matrix.FromRows<float>(r.Values, r.Rows, r.Columns)) } : product;
    }

    /// <summary>The tensors A and B of a module.</summary>
    public static AdapterTensor[] Tensors(AdapterModule module, Matrix b, Matrix at) =>
    [
        new(Key(module, Factors.A), [at.Columns, at.Rows], at.ToColumns()),
        new(Key(module, Factors.B), [b.Rows, b.Columns], b.ToRows()),
    ];

    /// <summary>
    /// Adapter and folds as one plain LoRA adapter with s = 1 and, per module, the rank that the sum really has (PEFT's rank_pattern),
    /// by <see cref="LowRank.Truncate"/>.
    /// </summary>
    public static (AdapterState Adapter, AdapterLayout Layout) Merge(AdapterState global, IReadOnlyList<AdapterState> folds,
        AdapterLayout layout)
    {
        var modules = new List<AdapterModule>();
        var tensors = new List<AdapterTensor>(global.Only(Factors.Head));
        foreach (var module in layout.Modules)
        {
            using var sum = FoldSum.Of(folds, module, global.Product(layout, module));
            var (b, at, _) = sum.Product();
            var full = LowRank.Truncate(b, at, Math.Min(b.Columns, Math.Min(b.Rows, at.Rows)));
            // What float32 cannot tell from zero is no rank.
            var rank = Math.Max(1, full.Singular.Take(full.B.Columns).Count(s => s > 1e-7 * full.Singular[0]));
            tensors.AddRange(Tensors(module, full.B.Resized(b.Rows, rank), full.At.Resized(at.Rows, rank)));
            modules.Add(module with { Rank = rank, Alpha = layout.UseRsLora ? Math.Sqrt(rank) : rank });
        }
        var largest = modules.Max(m => m.Rank!.Value);
        var merged = layout with
        {
            Rank = largest,
            Alpha = 1 / AdapterLayout.ScaleOf(1, largest, layout.UseRsLora),
            Modules = [.. modules.Select(m => m.Rank == largest ? m with { Rank = null, Alpha = null } : m)],
        };
        return (new AdapterState(tensors), merged);
    }

    public static string Key(AdapterModule module, Factors factor) => new AdapterKey(module.Name, factor).Name;
}
