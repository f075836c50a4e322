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
        var probes = AggregationError.Probes(round, options);
        var means = round.PerMean((module, mean) =>
        {
            var tensors = mean.Tensors();
            probes?.Compare(mean.Place, options.Layout.ScaleOf(module), Values(Factors.B), Values(Factors.A));
            return tensors;

            float[] Values(Factors factor) => tensors.Single(t => t.Name == Products.Key(module, factor)).Values;
        }, probes);
        var result = new AdapterState([.. means.SelectMany(m => m), .. round.Mean(Factors.Head)]);
        return round.Result(result, null, probes is not null ? AggregationError.Report(round, probes)
            : AggregationError.Report(round, options, module => [result.Product(options.Layout, module)]));
    }
}
