using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Updates;

/// <summary>The server's whole step at the end of a round: the method's, then that of the server's optimiser where there is one.</summary>
public static class RoundStep
{
    /// <summary>A pure function of its arguments: the same bytes on every machine and for every order of arrival.</summary>
    /// <param name="global">The global adapter before the round.</param>
    /// <param name="memory">What the server's optimiser remembers; null before its first step, and where there is none.</param>
    /// <param name="measureError">Measure the aggregation error too, which costs the inexact methods another pass.</param>
    /// <returns>The result, and what the optimiser remembers after it; null where there is none.</returns>
    /// <exception cref="FedLoraException">The updates do not fit the method.</exception>
    public static (AggregationResult Result, FedAdamState? Memory) Run(
        FederationDefinition definition, int round, AdapterState global, UpdateSet updates, FedAdamState? memory, bool measureError = true,
        CancellationToken cancellationToken = default)
    {
        var options = new AggregationOptions(definition.ToLayout(), definition.ToMethodOptions(), round, definition.Seed)
        {
            MeasureError = measureError,
        };
        var result = Methods.Get(definition.Method).Aggregate(global, updates, options, cancellationToken);
        if (definition.Communication.ServerOptimizer != "fedadam")
            return (result, null);
        var (optimised, next) = new FedAdam(definition.Communication.ServerLearningRate)
            .Step(global, result.Global, definition.SentFactors(round), memory);
        return (result with { Global = optimised }, next);
    }
}
