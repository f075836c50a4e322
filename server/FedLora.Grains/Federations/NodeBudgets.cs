using System.Collections.Concurrent;
using FedLora.Privacy;

namespace FedLora.Grains.Federations;

/// <summary>Asks nodes' grains whether a round fits their privacy limits: all at a time, outside of any turn.</summary>
public sealed class NodeBudgets(IGrainFactory grains)
{
    /// <summary>Never throws: a node whose mirror does not answer has no budget, with that as the reason.</summary>
    public async Task<BudgetAnswers> AskAsync(FederationStanding standing, IReadOnlyList<NodePresence> nodes)
    {
        // Off the caller's scheduler: calibration may take seconds.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var rows = new KnownRows(standing);
        var answers = await Task.WhenAll(nodes.Select(node => AskAsync(standing, node, rows)));
        return new(
            [.. answers.Select(answer => (answer.NodeId, answer.Reason))],
            [.. answers.Select(answer => answer.NewRow).OfType<NodePrivacy>()],
            await EnrolledAsync());
    }

    private async Task<(string NodeId, string Reason, NodePrivacy? NewRow)> AskAsync(FederationStanding standing, NodePresence presence,
        KnownRows rows)
    {
        NodePrivacy? fresh = null;
        try
        {
            var (row, isNew) = rows.Of(presence);
            fresh = isNew ? row : null;
            var run = new PrivacyRun
            {
                NoiseMultiplier = row.NoiseMultiplier,
                SamplingRate = row.SamplingRate,
                Steps = standing.Definition.Training.LocalSteps,
            };
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

/// <summary>
/// What the privacy terms mean at nodes: worked out once and kept, since receipts are held against it. O(1) for each node.
/// </summary>
internal sealed class KnownRows(FederationStanding standing)
{
    private readonly PrivacyPlan _plan = standing.Definition.ToPlan()!;
    private readonly Dictionary<string, NodePrivacy> _byNode = standing.Privacy.DistinctBy(row => row.NodeId)
        .ToDictionary(row => row.NodeId, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<double, Lazy<NodePrivacy>> _byRate = new(
        standing.Privacy.DistinctBy(row => row.SamplingRate)
            .Select(row => KeyValuePair.Create(row.SamplingRate, new Lazy<NodePrivacy>(row))));

    /// <summary>A node's row, and whether the federation has yet to keep it.</summary>
    /// <exception cref="FedLoraException">As <see cref="NodePrivacy.Of"/>.</exception>
    public (NodePrivacy Row, bool IsNew) Of(NodePresence presence)
    {
        var count = NodePrivacy.StatedCount(standing.Definition, presence.Name, presence.Profile ?? new());
        var rate = _plan.RateFor(count);
        if (_byNode.TryGetValue(presence.NodeId, out var known) && known.SamplingRate.Equals(rate))
            return (known, false);
        // Equal rates mean equal noise: calibrated once.
        var like = _byRate.GetOrAdd(rate,
            _ => new(() => NodePrivacy.Of(standing.Definition, presence.NodeId, presence.Name, count, CancellationToken.None)));
        return (like.Value with { NodeId = presence.NodeId, Node = presence.Name, Rounds = 0, SpentEpsilon = 0, LimitEpsilon = 0 }, true);
    }
}

/// <summary>What was asked and answered.</summary>
/// <param name="ByNode">Node id, and why the round does not fit its limit; empty where it does.</param>
/// <param name="NewRows">Of nodes that had none, or another sampling rate.</param>
/// <param name="Enrolled">How many nodes there are at all; null where that is not known.</param>
public sealed record BudgetAnswers(IReadOnlyList<(string NodeId, string Answer)> ByNode, IReadOnlyList<NodePrivacy> NewRows, int? Enrolled);
