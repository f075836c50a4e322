using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// FLoRA (Wang et al., NeurIPS 2024): the factors are stacked, sum p_k s_k B_k A_k = [p_1 s_1 B_1, ...] [A_1; ...]; every node adds the
/// product to its base weights and starts anew with a random A of its own rank and B = 0. Exact, for any ranks; the down-link carries
/// sum r_k instead of r, unless that exceeds a full matrix's rank, where the sum itself is sent, beside an identity.
/// </summary>
internal sealed class FLora : IFederatedMethod
{
    public string Name => "flora";

    public MethodTraits Traits { get; } = new(Exact: true, "W0 += [p_1 s_1 B_1, ..., p_K s_K B_K] [A_1; ...; A_K]; A random, B = 0")
    {
        MixesRanks = true,
        Folds = true,
        MakesFactorsAnew = true,
    };

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public Factors Changed(int round, MethodOptions options) => Factors.Head;

    public int FoldRank(AdapterLayout layout, MethodOptions options, int nodes) => nodes * layout.Rank;

    public void CheckInitial(AdapterState initial)
    {
        if (initial.Only(Factors.B).FirstOrDefault(t => t.Values.Any(v => v != 0)) is { } warm)
            throw MethodChecks.Unsupported(this, $"starts every round from B = 0, but the global adapter's '{warm.Name}' is not zero",
                "Start it without an initial adapter, or merge that into the base model first.");
    }

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public NodeStart Start(AdapterState global, AdapterState? kept, NodeTerms terms)
    {
        var layout = terms.Layout with { Rank = terms.Rank };
        var fresh = layout.Tensors(Factors.A | Factors.B)
            .Select(t => new AdapterTensor(t.Name, t.Shape, AdapterKey.Parse(t.Name).Factor == Factors.A
                ? LoraInit.Kaiming(t.Shape, terms.Seed, $"{t.Name}/{terms.Round}")
                : new float[AdapterTensor.Count(t.Shape)]));
        return new(new AdapterState([.. global.Only(Factors.Head), .. fresh]), layout);
    }

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        CheckInitial(global);
        var round = new Round(this, global, updates, options, cancellationToken);
        var sums = round.PerSum(
            (module, sum) => (Tensors: Products.Tensors(module, sum.Product().B, sum.Product().At),
                Squares: options.MeasureError ? sum.Rounding() : default));
        return round.Result(global.With(round.Mean(Factors.Head)), new AdapterState(sums.SelectMany(s => s.Tensors)),
            AggregationError.Report(round, options, sums.Select(s => s.Squares)));
    }

    public (AdapterState Adapter, AdapterLayout Layout) Export(AdapterState global, IReadOnlyList<AdapterState> folds,
        AdapterLayout layout) => Products.Merge(global, folds, layout);
}
