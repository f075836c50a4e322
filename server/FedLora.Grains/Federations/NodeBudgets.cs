using System.Collections.Concurrent;

namespace FedLora.Grains.Federations;

/// <summary>Asks nodes' grains whether a round fits their privacy limits: all at a time, outside of any turn.</summary>
public sealed class NodeBudgets(IGrainFactory grains)
{
    /// <summary>Never throws: a node whose mirror does not answer has no budget, with that as the reason.</summary>
    public async Task<BudgetAnswers> AskAsync(FederationStanding standing, IReadOnlyList<NodePresence> nodes)
    {
        // Off the caller's scheduler: calibration may take seconds.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var rates = new ConcurrentDictionary<double, Lazy<NodePrivacy>>();
        var answers = await Task.WhenAll(nodes.Select(node => AskAsync(standing, node, rates)));
        return new(
            [.. answers.Select(answer => (answer.NodeId, answer.Reason))],
            [.. answers.Select(answer => answer.NewRow).OfType<NodePrivacy>()],
            await EnrolledAsync());
    }

    private async Task<(string NodeId, string Reason, NodePrivacy? NewRow)> AskAsync(FederationStanding standing, NodePresence presence, ConcurrentDictionary<double, Lazy<NodePrivacy>> rates)
    {
        NodePrivacy? fresh = null;
        try
        {
            var (row, isNew) = Row(standing, presence, rates);
            fresh = isNew ? row : null;
            var run = new PrivacyRun { NoiseMultiplier = row.NoiseMultiplier, SamplingRate = row.SamplingRate, Steps = standing.Definition.Training.LocalSteps };
            var answer = await grains.GetGrain<INodeGrain>(presence.NodeId).AskBudgetAsync(run, CancellationToken.None);
            return (presence.NodeId, answer.Fits ? "" : answer.Reason, fresh);
        }
        catch (FedLoraException error)
        {
            return (presence.NodeId, error.Message, fresh);
        }
        catch (Exception error)
        {
            return (presence.NodeId, $"its ledger's mirror did not answer: {error.Message}", fresh);
        }
    }

    /// <summary>What the privacy terms mean at a node; worked out once and kept, since its receipts are held against it.</summary>
    private static (NodePrivacy Row, bool IsNew) Row(FederationStanding standing, NodePresence presence, ConcurrentDictionary<double, Lazy<NodePrivacy>> rates)
    {
        var definition = standing.Definition;
        var count = PrivacyPlanner.StatedCount(definition, presence.Name, presence.Profile ?? new());
        var rate = definition.ToPlan()!.RateFor(count);
        if (standing.Privacy.Find(row => row.NodeId == presence.NodeId) is { } known && known.SamplingRate.Equals(rate))
            return (known, false);
        // Equal rates mean equal noise: calibrated once.
        var like = rates.GetOrAdd(rate, _ => new(() => standing.Privacy.Find(row => row.SamplingRate.Equals(rate)) ?? PrivacyPlanner.RowOf(definition, presence.NodeId, presence.Name, count, CancellationToken.None)));
        return (like.Value with { NodeId = presence.NodeId, Node = presence.Name, Rounds = 0, SpentEpsilon = 0, LimitEpsilon = 0 }, true);
    }

    private async Task<int?> EnrolledAsync()
    {
        try
        {
            return await grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).CountNodesAsync(CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            return null;
        }
    }
}

/// <summary>What was asked and answered.</summary>
/// <param name="ByNode">Node id, and why the round does not fit its limit; empty where it does.</param>
/// <param name="NewRows">Of nodes that had none, or another sampling rate.</param>
/// <param name="Enrolled">How many nodes there are at all; null where that is not known.</param>
public sealed record BudgetAnswers(IReadOnlyList<(string NodeId, string Answer)> ByNode, IReadOnlyList<NodePrivacy> NewRows, int? Enrolled);
