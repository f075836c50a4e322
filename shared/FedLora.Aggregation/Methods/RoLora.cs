using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// RoLoRA (Chen et al., NeurIPS 2025): B in odd rounds, A in even ones, the other frozen and common. Each round is exact, half as much
/// is sent, and both factors learn.
/// </summary>
internal sealed class RoLora : IFederatedMethod
{
    public string Name => "rolora";

    public MethodTraits Traits { get; } = new(Exact: true, "odd rounds B = sum p_k B_k, even rounds A = sum p_k A_k");

    public Factors Trained(int round, MethodOptions options) => (round % 2 == 1 ? Factors.B : Factors.A) | Factors.Head;

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var means = round.PerMean((_, mean) => mean.Rounded(options.MeasureError));
        return round.Result(global.With([.. means.SelectMany(m => m.Tensors), .. round.Mean(Factors.Head)]), null,
            AggregationError.Report(round, options, means.Select(m => m.Squares)));
    }
}
