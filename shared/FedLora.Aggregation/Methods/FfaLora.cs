using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// FFA-LoRA (Sun et al., ICLR 2024): A is random, common and frozen; B = sum p_k B_k. Exact, since
/// sum p_k (B_k A) = (sum p_k B_k) A.
/// </summary>
internal sealed class FfaLora : IFederatedMethod
{
    public string Name => "ffa-lora";

    public MethodTraits Traits { get; } = new(Exact: true, "B = sum p_k B_k, A fixed") { MayFreezeHead = true };

    public Factors Trained(int round, MethodOptions options) => Factors.B | options.TrainedHead();

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
