namespace FedLora.Grains;

/// <summary>All that an aggregation depends on.</summary>
/// <param name="Before">The global adapter before the round.</param>
/// <param name="Updates">In node order.</param>
public sealed record RoundInputs(FederationDefinition Definition, int Round, AdapterRef Before, IReadOnlyList<StoredUpdate> Updates)
{
    /// <summary>What the server's optimiser remembers; null before its first step.</summary>
    public OptimizerMemory? Optimizer { get; init; }
}

/// <summary>What an aggregation has made; the adapters lie in the blob store.</summary>
/// <param name="After">The new global adapter.</param>
/// <param name="Fold">What nodes fold into their base weights; null: nothing.</param>
/// <param name="Milliseconds">Time of the computation.</param>
/// <param name="AggregationError">Relative error of the product; null where the method does not define it.</param>
/// <param name="Optimizer">What the server's optimiser remembers now; null where there is none.</param>
public sealed record RoundOutput(AdapterRef After, AdapterRef? Fold, double Milliseconds, double? AggregationError, OptimizerMemory? Optimizer);
