using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>What robust aggregation did with a round's updates.</summary>
/// <param name="Updates">What the method aggregates instead of what came.</param>
/// <param name="LeftOut">The nodes that krum left out, in their order.</param>
/// <param name="Bounded">The nodes whose change was scaled down, with the norm that it had.</param>
public sealed record RobustUpdates(UpdateSet Updates, IReadOnlyList<string> LeftOut, IReadOnlyDictionary<string, double> Bounded);

/// <summary>
/// Robust aggregation, before the method's own step: changes are bounded, outliers left out, or all updates replaced by their centre. A
/// pure function of the updates in node order, with the same bytes on every machine. Holds one tensor of all nodes at a time.
/// </summary>
public static class RobustStep
{
    /// <summary>Applies the terms to a round's updates.</summary>
    /// <exception cref="FedLoraException"><c>robust-too-few</c>: with so few updates the rule cannot keep its promise;
    /// <c>tensor-missing</c>, <c>tensor-shape</c>, <c>tensor-not-finite</c>, as in the method's own step.</exception>
    public static RobustUpdates Run(IFederatedMethod method, AdapterState global, UpdateSet updates, AggregationOptions options,
        RobustTerms terms, CancellationToken cancellationToken)
    {
        if (updates.Count < terms.LeastUpdates)
            throw new FedLoraException("robust-too-few",
                $"A round of {updates.Count} updates cannot leave {terms.Outliers} out by robust.rule "
                    + $"{RobustTerms.Rules.Single(rule => rule.Value == terms.Rule).Key}.",
                $"Let rounds have at least {terms.LeastUpdates}: raise cohort.quorum, or lower robust.outliers.");
        var tensors = new RoundTensors(method, updates, options, cancellationToken);
        var bounded = new SortedDictionary<string, double>(StringComparer.Ordinal);
        if (terms.NormBound > 0)
        {
            var start = method.Start(global, null,
                new NodeTerms(options.Layout, options.Method, options.Round, options.Seed, options.Layout.Rank)).Adapter;
            updates = Bound(updates, tensors.ChangeNorms(start), start, terms.NormBound, bounded);
            tensors = new RoundTensors(method, updates, options, cancellationToken);
        }
        return terms.Rule switch
        {
            RobustRule.Krum => Krum(updates, tensors, terms.Outliers, bounded),
            RobustRule.None => new RobustUpdates(updates, [], bounded),
            _ => new RobustUpdates(Centre(updates, tensors, terms), [], bounded),
        };
    }

    private static UpdateSet Bound(UpdateSet updates, double[] norms, AdapterState start, double most,
        SortedDictionary<string, double> bounded)
    {
        var result = new List<IUpdate>(updates.Count);
        for (var k = 0; k < norms.Length; k++)
        {
            if (norms[k] > most)
                bounded[updates[k].Node] = norms[k];
            result.Add(norms[k] > most ? new ScaledUpdate(updates[k], start, most / norms[k]) : updates[k]);
        }
        return new UpdateSet(result);
    }

    private static RobustUpdates Krum(UpdateSet updates, RoundTensors tensors, int outliers, IReadOnlyDictionary<string, double> bounded)
    {
        var kept = MultiKrum.Select(tensors.SquaredDistances(), outliers);
        return new RobustUpdates(new UpdateSet(kept.Select(k => updates[k])),
            [.. Enumerable.Range(0, updates.Count).Except(kept).Select(k => updates[k].Node)], bounded);
    }

    // One update that stands for all: whatever the method means, it is the mean of this one.
    private static UpdateSet Centre(UpdateSet updates, RoundTensors tensors, RobustTerms terms) => new(
        [new MemoryUpdate("centre", updates.Max(update => update.Examples), new AdapterState(tensors.Map(values => terms.Rule
            == RobustRule.Median ? EntryCentre.Median(values) : EntryCentre.TrimmedMean(values, terms.Outliers))))]);
}
