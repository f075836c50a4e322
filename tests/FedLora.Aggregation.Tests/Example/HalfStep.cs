using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>FedIT with a server that goes only half of the way: A = (A + sum p_k A_k) / 2, B and head likewise.</summary>
internal sealed class HalfStep : IFederatedMethod
{
    public string Name => "half-step";

    public MethodTraits Traits { get; } = new(Exact: false, "A = (A + sum p_k A_k) / 2, B = (B + sum p_k B_k) / 2");

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var result = new AdapterState(round.Mean(Factors.A | Factors.B | Factors.Head)
            .Select(mean => mean with { Values = [.. mean.Values.Zip(global[mean.Name].Values, (m, g) => (m + g) / 2)] }));
        return round.Result(result, null, AggregationError.Report(round, options, module => [result.Product(options.Layout, module)]));
    }
}
