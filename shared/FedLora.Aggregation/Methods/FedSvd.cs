using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// FedSVD (Lee et al., NeurIPS 2025, alg. 1): nodes train B only; the server averages B and splits the product B A anew into
/// (U S)(V^T), so that A has orthonormal rows. Never formed: with A^T = Q L and B = P R (thin QR), R L^T = U S W^T (r x r) and
/// B' = P U S = B (L^T W), A' = W^T Q^T. Exact, in every round, with dependent columns and for B = 0 too. Signs: the entry of largest
/// magnitude in each row of A' is positive, so that every node could compute it.
/// </summary>
internal sealed class FedSvd : IFederatedMethod
{
    public string Name => "fedsvd";

    public MethodTraits Traits { get; } = new(Exact: true, "U S V^T = (sum p_k B_k) A; B = U S, A = V^T")
    {
        MayFreezeHead = true,
        MakesFactorsAnew = true,
    };

    public Factors Trained(int round, MethodOptions options) => Factors.B | options.TrainedHead();

    public Factors Changed(int round, MethodOptions options) => Factors.A | Trained(round, options);

    public void Check(AdapterLayout layout, MethodOptions options, IReadOnlyCollection<int> ranks)
    {
        MethodChecks.Require(this, layout, options, ranks);
        if (layout.Modules.FirstOrDefault(m => layout.RankOf(m) > m.DIn) is { } module)
            throw MethodChecks.Unsupported(this,
                $"cannot have {layout.RankOf(module)} orthonormal rows of length {module.DIn} in module '{module.Name}'",
                "Lower lora.rank.");
    }

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var split = round.PerMean((module, mean) =>
            Split(mean, global[Products.Key(module, Factors.A)].Values, module, options), made: Factors.A);
        var result = global.With([.. split.SelectMany(s => s.Tensors), .. round.Mean(Factors.Head)]);
        return round.Result(result, null, AggregationError.Report(round, options, split.Select(s => s.Squares)));
    }

    private static (AdapterTensor[] Tensors, (double Difference, double Whole) Squares) Split(Means mean, float[] a, AdapterModule module,
        AggregationOptions options)
    {
        var (rank, squaredScale) = (options.Layout.RankOf(module), Math.Pow(options.Layout.ScaleOf(module), 2));
        var (newA, newB) = (mean.Room(Factors.A), mean.Room(Factors.B));
        if (GramSplit.Of(mean.Sum(Factors.B), a, rank, options.MeasureError, newB.Values, newA.Values) is { } squares)
            return ([newA, newB], (squaredScale * squares.Difference, squaredScale * squares.Whole));
        using var before = mean.Product();
        var (splitB, splitAt) = ByReflections(before.B, before.At);
        using var disposeB = splitB;
        using var disposeA = splitAt;
        LowRank.FixSigns(splitB, splitAt);
        splitB.RoundToSingle();
        splitAt.RoundToSingle();
        return (Products.Tensors(module, splitB, splitAt),
            options.MeasureError ? AggregationError.Compare([before], [new(splitB, splitAt, before.Factor)]) : default);
    }

    private static (Matrix B, Matrix At) ByReflections(Matrix b, Matrix at)
    {
        using var qb = new Householder(b);
        using var qa = new Householder(at);
        var lt = qa.R().Transposed();
        var w = new JacobiSvd(qb.R().Times(lt)).V;
        return (b.Times(lt.Times(w)), qa.QTimes(w));
    }
}
