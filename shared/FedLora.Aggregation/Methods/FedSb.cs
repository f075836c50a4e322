using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// Fed-SB (Singhal et al. 2025, arXiv 2502.15436): W = W0 + s B R A with B and A common and frozen, only R (r x r) is trained and sent;
/// R = sum p_k R_k. Exact, since sum p_k B R_k A = B (sum p_k R_k) A. Where A and B come from, see <see cref="FedSbInit"/>.
/// </summary>
internal sealed class FedSb : IFederatedMethod
{
    public string Name => "fed-sb";

    public MethodTraits Traits { get; } = new(Exact: true, "R = sum p_k R_k, A and B fixed")
    {
        MayFreezeHead = true,
        StartsFromWeights = true,
        Options = ["init", "init_step"],
    };

    public Factors Trained(int round, MethodOptions options) => Factors.R | options.TrainedHead();

    public void Check(AdapterLayout layout, MethodOptions options, IReadOnlyCollection<int> ranks)
    {
        MethodChecks.Require(this, layout, options, ranks);
        if (options.Init == FedSbInit.LoraSbPrivate)
        {
            throw MethodChecks.Unsupported(this,
                "refuses init lora-sb-private: A, B and R would be computed from private gradients, and nothing charges that to the "
                    + "privacy ledger",
                "Use svd-of-weights, which needs no data, or lora-sb with public data.");
        }
        if (!(options.InitStep > 0) || double.IsInfinity(options.InitStep))
            throw MethodChecks.Unsupported(this, $"needs an initial step above 0, not {options.InitStep}",
                "LoRA-SB uses the learning rate divided by the number of steps.");
        if (layout.Modules.FirstOrDefault(m => layout.RankOf(m) > Math.Min(m.DIn, m.DOut)) is { } module)
            throw MethodChecks.Unsupported(this,
                $"cannot have {layout.RankOf(module)} singular vectors of module '{module.Name}' ({module.DOut} x {module.DIn})",
                "Lower lora.rank.");
    }

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null)
    {
        Check(layout, options, [layout.Rank]);
        if (weights is null)
            throw new FedLoraException("base-weights-needed",
                "Method 'fed-sb' starts from the base model's weights (or, with init lora-sb, from gradients by them).",
                "Name the base model where the federation is created.");
        return new([.. LoraInit.Heads(layout, seed), .. layout.Modules.SelectMany(module => options.Init == FedSbInit.LoraSb
            ? FedSbBasis.OfFirstStep(module, layout, weights, options.InitStep, seed)
            : FedSbBasis.OfWeights(module, layout, weights, seed))]);
    }

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var means = round.PerMean((_, mean) => mean.Rounded(options.MeasureError));
        return round.Result(global.With([.. means.SelectMany(m => m.Tensors), .. round.Mean(Factors.Head)]), null,
            AggregationError.Report(round, options, means.Select(m => m.Squares)));
    }

    // (B R) A is plain LoRA of the same scale.
    public (AdapterState Adapter, AdapterLayout Layout) Export(AdapterState global, IReadOnlyList<AdapterState> folds,
        AdapterLayout layout) =>
            (new([.. global.Only(Factors.Head | Factors.A),
                .. layout.Modules.Select(
                    m => new AdapterTensor(Products.Key(m, Factors.B), [m.DOut, layout.RankOf(m)], global.Product(m).B.ToRows()))]),
                layout);
}
