using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Updates;

/// <summary>
/// The server's whole step at the end of a round: what withstands wrong updates, the method's step, and that of the server's optimiser.
/// </summary>
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
        var (method, robust) = (Methods.Get(definition.Method), definition.Robust.ToTerms());
        var steady = robust.Apply ? RobustStep.Run(method, global, updates, options, robust, cancellationToken) : null;
        var result = method.Aggregate(global, steady?.Updates ?? updates, options, cancellationToken);
        if (steady is not null)
            result = result with { Report = Report(result.Report, updates.Count, steady, robust) };
        if (definition.Communication.ServerOptimizer != "fedadam")
            return (result, null);
        var (optimised, next) = new FedAdam(definition.Communication.ServerLearningRate)
            .Step(global, result.Global, definition.SentFactors(round), memory);
        return (result with { Global = optimised }, next);
    }

    // How far a centre of the factors is from the mean of the products says nothing: it is not meant to be near it.
    private static AggregationReport Report(AggregationReport report, int nodes, RobustUpdates steady, RobustTerms terms) => report with
    {
        Nodes = nodes,
        RelativeError = terms.Rule is RobustRule.Median or RobustRule.TrimmedMean ? null : report.RelativeError,
        StandardError = terms.Rule is RobustRule.Median or RobustRule.TrimmedMean ? null : report.StandardError,
        LeftOut = steady.LeftOut,
        Bounded = steady.Bounded,
    };
}
