using FedLora.Adapters;
using FedLora.Training.Blocks;
using FedLora.Training.Lora;
using static TorchSharp.torch;

namespace FedLora.Training.Models;

/// <summary>
/// Products folded into base weights, W = round(W0 + sum_k B_k A_k): W0 is the checkpoint's every time, the sum is formed in float32 and
/// rounded once. Added one by one to bfloat16 weights, products below half a rounding step of W (2^-9 of it) would vanish, and machines of
/// different types would train different models.
/// </summary>
internal sealed class FoldedWeights(Transformer model, WeightReader reader)
{
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);

    /// <summary>Sets the products; nothing changes where one is refused.</summary>
    public void Set(IReadOnlyList<AdapterState> folds)
    {
        var products = folds.SelectMany(fold => fold.Select(t => (Key: AdapterKey.Parse(t.Name), A: t, Fold: fold)))
            .Where(t => t.Key.Factor == Factors.A)
            .Select(t => (t.Key.Module, t.A, B: t.Fold[new AdapterKey(t.Key.Module, Factors.B).Name]))
            .ToLookup(t => t.Module, t => (t.A, t.B), StringComparer.Ordinal);
        foreach (var module in products)
            Require(module.Key, module);
        foreach (var module in _changed.Union(products.Select(p => p.Key), StringComparer.Ordinal).ToArray())
            Write(module, [.. products[module]]);
        _changed.Clear();
        _changed.UnionWith(products.Select(p => p.Key));
    }

    private void Require(string module, IEnumerable<(AdapterTensor A, AdapterTensor B)> products)
    {
        var (projection, part) = model.Find(module) ?? throw AdapterBinding.Unknown(module);
        foreach (var (a, b) in products)
        {
            if (a.Shape.Length != 2 || b.Shape.Length != 2 || b.Rows != part.DOut || a.Columns != projection.DIn || b.Columns != a.Rows)
                throw new FedLoraException("tensor-shape",
                    $"Module '{module}' is {part.DOut} x {projection.DIn} in this model, but a product of [{string.Join(", ", b.Shape)}] "
                        + $"and [{string.Join(", ", a.Shape)}] is to be folded in.", "The fold belongs to another base model.");
            a.RequireFinite();
            b.RequireFinite();
        }
    }

    private void Write(string module, (AdapterTensor A, AdapterTensor B)[] products)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (projection, part) = model.Find(module)!.Value;
        if (products.Length == 0 && projection.Tie())
            return;
        if (projection.IsTied)
            projection.Untie();
        var inBlock = model.Head?.Projections.Contains(projection) != true;
        var weight = reader.ReadLinear(projection.StoredAs(part), part.DOut, projection.DIn,
            model.Architecture.TransposedLinears && inBlock).contiguous().to(model.Device);
        if (products.Length > 0)
            weight.addmm_(cat(products.Select(p => Host(p.B)).ToArray(), 1), cat(products.Select(p => Host(p.A)).ToArray(), 0));
        projection.WeightOf(part).copy_(weight);
    }

    private Tensor Host(AdapterTensor source) => tensor(source.Values, Array.ConvertAll(source.Shape, s => (long)s), device: model.Device);
}
