using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// LoRA-FAIR (Bian et al., ICCV 2025): A = Abar = sum p_k A_k; B = Bbar + dB, where dB brings B Abar near dW = sum p_k B_k A_k while it
/// stays short: dB minimises 1 - cos(dW, (Bbar + dB) Abar) + lambda ||dB||_F per module (the paper writes argmin of the similarity, which
/// has the wrong sign), or, by option, it is the least-squares correction. See <see cref="FairSolver"/>.
/// </summary>
internal sealed class LoraFair : IFederatedMethod
{
    public string Name => "lora-fair";

    public MethodTraits Traits { get; } = new(Exact: false,
        "A = sum p_k A_k, B = sum p_k B_k + argmin_dB 1 - cos(sum p_k B_k A_k, (Bbar + dB) A) + lambda ||dB||")
    {
        Options = ["lambda", "solver"],
    };

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var mean = new AdapterState(round.Mean(Factors.A | Factors.B | Factors.Head));
        var result = mean.With(round.PerSum((module, sum) =>
            new AdapterTensor(Products.Key(module, Factors.B), [module.DOut, options.Layout.RankOf(module)],
                Correct(mean.Product(module), sum, options, module).ToRows())));
        return round.Result(result, null, AggregationError.Report(round, options, module => [result.Product(options.Layout, module)]));
    }

    private static Matrix Correct(NodeProduct centre, ProductSum sum, AggregationOptions options, AdapterModule module)
    {
        // The objective knows no s: the cosine does not see it, and in least squares it cancels.
        var scale = options.Layout.ScaleOf(module);
        var (b, at, _) = sum.Product();
        var target = b.Times(at.TransposedTimes(centre.At).Times(1 / scale));
        return options.Method.FairObjective == FairObjective.LeastSquares
            ? FairSolver.LeastSquares(centre.B, centre.At, target, options.Method.Lambda)
            : FairSolver.Cosine(centre.B, centre.At, target, Math.Sqrt(sum.SquaredNorm()) / scale, options.Method.Lambda);
    }
}
