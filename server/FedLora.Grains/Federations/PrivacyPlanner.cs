namespace FedLora.Grains.Federations;

/// <summary>
/// What a federation's privacy terms mean at each enrolled node, and whether the planned rounds fit their limits. Asked before the
/// federation exists.
/// </summary>
public static class PrivacyPlanner
{
    private const int NodesNamed = 4;

    /// <summary>The rows of all nodes that are known by now.</summary>
    /// <exception cref="RefusedException"><c>definition-invalid</c>: sigma and epsilon contradict each other, or no noise is enough;
    /// <c>privacy-budget</c>: the rounds fit too few nodes' limits.</exception>
    public static async Task<List<NodePrivacy>> RequireAsync(FederationDefinition definition, IReadOnlyList<INodeGrain> nodes,
        CalibrateRows calibrate, CancellationToken cancellationToken)
    {
        var views = new List<(INodeGrain Grain, NodeView View)>();
        foreach (var node in nodes)
        {
            if (await node.GetAsync(cancellationToken) is { Revoked: false } view)
                views.Add((node, view));
        }

        var rows = await Task.Run(() => calibrate(definition, [.. views.Select(node => node.View)], cancellationToken), cancellationToken);
        var unfit = new List<string>();
        foreach (var row in rows.Where(row => row.NodeId.Length > 0))
        {
            var round = new PrivacyRun
            {
                NoiseMultiplier = row.NoiseMultiplier,
                SamplingRate = row.SamplingRate,
                Steps = definition.Training.LocalSteps,
            };
            var answer = await views.First(node => node.View.NodeId == row.NodeId).Grain.AskPlanAsync(round, definition.Rounds,
                cancellationToken);
            if (!answer.Fits)
                unfit.Add($"{row.Node}: {answer.Reason}");
        }

        // A node that states no count, where the file states no rate, has no row: whether it fits is not known.
        var silent = views.Count(node => !rows.Exists(row => row.NodeId == node.View.NodeId));
        var fitting = views.Count - unfit.Count - silent;
        var needed = Math.Min(views.Count, CohortSampler.Least(definition.Cohort));
        if (unfit.Count > 0 && fitting < Math.Max(1, needed))
        {
            throw new RefusedException(RefusalCodes.PrivacyBudget,
                $"The planned rounds of '{definition.Name}' fit the privacy limits of {fitting} of {views.Count} nodes, and "
                    + $"{Math.Max(1, needed)} are needed: {Reasons(unfit, silent)}.",
                "Plan fewer rounds or steps, a smaller epsilon or sampling rate, or more noise; only a site itself can raise its limit.");
        }

        return rows;
    }

    private static string Reasons(List<string> unfit, int silent)
    {
        var more = unfit.Count > NodesNamed ? "; ..." : "";
        return string.Join("; ", unfit.Take(NodesNamed)) + more + (silent > 0 ? $"; {silent} state no number of examples" : "");
    }

    /// <summary>The rows of these nodes. Calibrates, which may take seconds: not on a grain's turn.</summary>
    /// <exception cref="RefusedException"><c>definition-invalid</c>.</exception>
    public static List<NodePrivacy> Rows(FederationDefinition definition, IReadOnlyList<NodeView> nodes,
        CancellationToken cancellationToken)
    {
        var plan = definition.ToPlan()!;
        var rows = new List<NodePrivacy>();
        try
        {
            if (plan.SamplingRate > 0)
                rows.Add(NodePrivacy.Of(definition, "", "", null, cancellationToken));
            foreach (var (node, count) in definition.PublicCounts.Where(_ => plan.SamplingRate == 0 && nodes.Count == 0))
                rows.Add(NodePrivacy.Of(definition, "", node, count, cancellationToken));
            rows.AddRange(nodes.Select(node => (Node: node, Count: NodePrivacy.StatedCount(definition, node.Name, node.Profile)))
                .Where(node => plan.SamplingRate > 0 || node.Count > 0)
                .Select(node => NodePrivacy.Of(definition, node.Node.NodeId, node.Node.Name, node.Count, cancellationToken)));
            foreach (var rate in rows.Select(row => row.SamplingRate).Distinct())
            {
                if (plan.Keeps(rate, cancellationToken) is { Fits: false } verdict)
                    throw new FedLoraException("privacy-terms", $"the federation's own terms contradict each other: {verdict.Reason}",
                        "State epsilon or noise_multiplier, or terms that agree.");
            }
        }
        catch (FedLoraException error)
        {
            throw new RefusedException(RefusalCodes.DefinitionInvalid, error.Message, error.Hint);
        }

        return rows;
    }
}
