using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// FedEx-LoRA (Singhal et al., ACL 2025): A and B are averaged apart as in FedIT, and what that misses is added to the base weights:
/// s (sum p_k B_k A_k - Bbar Abar) = sum_{k &lt; K} s p_k (B_k - Bbar)(A_k - A_K), of rank (K-1) r at most. Exact, unless cut to the best
/// residual of a smaller rank (Eckart, Young).
/// </summary>
internal sealed class FedExLora : IFederatedMethod
{
    public string Name => "fedex-lora";

    public MethodTraits Traits { get; } = new(Exact: true, "A = sum p_k A_k, B = sum p_k B_k, W0 += s (sum p_k B_k A_k - B A)")
    {
        Folds = true,
        Options = ["truncate_rank"],
    };

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public int FoldRank(AdapterLayout layout, MethodOptions options, int nodes) =>
        Math.Min(options.ResidualRank ?? int.MaxValue, (nodes - 1) * layout.Rank);

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var mean = new AdapterState(round.Mean(Factors.A | Factors.B | Factors.Head));
        var fold = round.Count == 1 ? null : Residual(round, mean, options);
        return round.Result(mean, fold, AggregationError.Report(round, options,
            module => fold is null ? [mean.Product(options.Layout, module)]
                : [mean.Product(options.Layout, module), fold.Product(module)]));
    }

    public (AdapterState Adapter, AdapterLayout Layout) Export(AdapterState global, IReadOnlyList<AdapterState> folds,
        AdapterLayout layout) => Products.Merge(global, folds, layout);

    private static AdapterState Residual(Round round, AdapterState mean, AggregationOptions options)
    {
        var centres = round.PerModule(module => mean.Product(module).B);
        var last = new Matrix[centres.Length];
        round.ForEachProduct(^1.., .., (module, product) => last[module] = product.At.Copy());
        return new(
            round.PerSum(..^1, (module, node) => new NodeProduct(node.B.Minus(centres[module]), node.At.Minus(last[module]), node.Factor),
                (module, sum) =>
                {
                    var (b, at, _) = sum.Product();
                    if (options.Method.ResidualRank is { } rank && rank < b.Columns)
                        (b, at, _) = sum.Truncate(rank);
                    return Products.Tensors(module, b, at);
                }).SelectMany(t => t));
    }
}
