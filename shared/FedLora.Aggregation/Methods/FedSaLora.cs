using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// FedSA-LoRA (Guo et al., ICLR 2025): both factors are trained, only A is shared; B stays at its node (and the head, where the
/// federation says so). Every node has its own model W0 + s B_k A, so there is no error of aggregation and nothing to export centrally.
/// </summary>
internal sealed class FedSaLora : IFederatedMethod
{
    public string Name => "fedsa-lora";

    public MethodTraits Traits { get; } = new(Exact: false, "A = sum p_k A_k, B_k stays at node k") { Personalised = true };

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public Factors Sent(int round, MethodOptions options) => Trained(round, options) & ~Kept(options);

    public Factors Kept(MethodOptions options) => Factors.B | (options.Head == HeadPolicy.Local ? Factors.Head : Factors.None);

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        return round.Result(global.With(round.Mean(Factors.A | Factors.Head)), null, new AggregationReport(round.Count, null));
    }

    public (AdapterState Adapter, AdapterLayout Layout) Export(AdapterState global, IReadOnlyList<AdapterState> folds,
        AdapterLayout layout) =>
            throw new FedLoraException("export-personalised",
                "Under fedsa-lora every node has an adapter of its own; the coordinator has only A.",
                "Take the adapter from the node's data folder.");
}
