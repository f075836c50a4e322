using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// LoRA-FAIR (Bian et al., ICCV 2025): A = Abar = sum p_k A_k; B = Bbar + dB, where dB brings B Abar near dW = sum p_k B_k A_k while it
/// stays short: dB minimises 1 - cos(dW, (Bbar + dB) Abar) + lambda ||dB||_F per module (the paper writes argmin of the similarity, which has
/// the wrong sign), or, by option, it is the least-squares correction. See <see cref="FairSolver"/>.
/// </summary>
internal sealed class LoraFair : IFederatedMethod
{
    public string Name => "lora-fair";

    public MethodTraits Traits { get; } = new(Exact: false, "A = sum p_k A_k, B = sum p_k B_k + argmin_dB 1 - cos(sum p_k B_k A_k, (Bbar + dB) A) + lambda ||dB||") { Options = ["lambda", "solver"] };

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) => LoraInit.State(layout, seed);

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options, CancellationToken cancel)
    {
        var round = new Round(this, global, updates, options, cancel);
        var mean = new AdapterState(round.Mean(Factors.A | Factors.B | Factors.Head));
        var result = mean.With(round.PerModule(module =>
        {
            var (centre, nodes) = (mean.Product(module), round.Products(module));
            var corrected = new AdapterTensor(Products.Key(module, Factors.B), [module.DOut, options.Layout.RankOf(module)], Correct(centre, nodes, options, module).ToRows());
            foreach (var node in nodes)
                node.Dispose();
            return corrected;
        }));
        return new(result, null, AggregationError.Report(round, options, module => [result.Product(options.Layout, module)]));
    }

    private static Matrix Correct(NodeProduct centre, IReadOnlyList<NodeProduct> nodes, AggregationOptions options, AdapterModule module)
    {
        // The objective knows no s: the cosine does not see it, and in least squares it cancels.
        var scale = options.Layout.ScaleOf(module);
        var target = new Matrix(centre.B.Rows, centre.B.Columns);
        foreach (var node in nodes)
            target.Add(node.Factor / scale, node.B.Times(node.At.TransposedTimes(centre.At)));
        if (options.Method.FairObjective == FairObjective.LeastSquares)
            return FairSolver.LeastSquares(centre.B, centre.At, target, options.Method.Lambda);
        var (b, at) = AggregationError.Stack(nodes);
        using var stack = new NodeProduct(b, at, 1);
        return FairSolver.Cosine(centre.B, centre.At, target, Math.Sqrt(LowRank.SquaredNorm(b, at)) / scale, options.Method.Lambda);
    }
}
