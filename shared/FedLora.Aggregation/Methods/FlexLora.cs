using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// FlexLoRA (Bai et al., NeurIPS 2024): nodes train ranks of their own; dW = sum p_k (alpha / r_k) B_k A_k = U S V^T is cut to the
/// federation's largest rank, and each node starts from its part of it: B = U_r S_r (r / alpha), A = V_r^T. The SVD is taken of thin QR
/// factors of the stacked B_k and A_k or, once their ranks add up to more than a full matrix has, of the sum itself.
/// </summary>
internal sealed class FlexLora : IFederatedMethod
{
    public string Name => "flexlora";

    public MethodTraits Traits { get; } = new(Exact: false,
        "U S V^T = sum p_k (alpha / r_k) B_k A_k; B = U S r / alpha, A = V^T, cut to the node's rank")
    {
        MixesRanks = true,
        MakesFactorsAnew = true,
    };

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public NodeStart Start(AdapterState global, AdapterState? kept, NodeTerms terms)
    {
        // The global B carries 1 / s of the largest rank; the node's layout has another s.
        var layout = terms.Layout with { Rank = terms.Rank };
        return new(RankCut.Cut(global, terms.Layout, terms.Rank, terms.Layout.Scale / layout.Scale), layout);
    }

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var layout = options.Layout;
        var best = round.PerSum((module, sum) =>
        {
            var (newB, newAt, squares) = sum.Truncate(layout.RankOf(module));
            return (Tensors: Products.Tensors(module, newB.Times(1 / layout.ScaleOf(module)), newAt), Squares: squares);
        });
        return round.Result(global.With([.. best.SelectMany(m => m.Tensors), .. round.Mean(Factors.Head)]), null,
            AggregationError.Report(round, options, best.Select(m => m.Squares)));
    }
}
