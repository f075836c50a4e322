using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// FedIT (Zhang et al., ICASSP 2024): A = sum p_k A_k and B = sum p_k B_k apart. The baseline: the mean of products is not the
/// product of means, and the report says how far they are apart.
/// </summary>
internal sealed class FedIt : IFederatedMethod
{
    public string Name => "fedit";

    public MethodTraits Traits { get; } = new(Exact: false, "A = sum p_k A_k, B = sum p_k B_k");

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var mean = new AdapterState(round.Mean(Factors.A | Factors.B | Factors.Head));
        return round.Result(mean, null, AggregationError.Report(round, options, module => [mean.Product(options.Layout, module)]));
    }
}
