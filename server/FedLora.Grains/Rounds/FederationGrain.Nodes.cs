namespace FedLora.Grains;

/// <content>Who is there, who may take part, and what they report.</content>
public sealed partial class FederationGrain
{
    /// <summary>A node that has not been heard of for this long is not sampled.</summary>
    public static readonly TimeSpan PresenceWindow = TimeSpan.FromSeconds(90);

    private readonly Dictionary<string, Candidate> _candidates = new(StringComparer.Ordinal);

    // Nodes here that have no privacy budget for a round, or refuse it.
    private int _spent;

    public async Task<PollReply> CheckInAsync(NodePresence presence, CancellationToken cancellationToken)
    {
        _ = Definition;
        var candidate = _candidates.TryGetValue(presence.NodeId, out var known) ? known : _candidates[presence.NodeId] = new();
        var wasHere = known is not null && IsHere(known);
        (candidate.Presence, candidate.Seen) = (presence, time.GetUtcNow());
        if (IsHere(candidate) != wasHere)
            Changed();
        if (federation.State.State == FederationState.Running && Round.State == RoundState.Sampling)
            await AdvanceAsync(cancellationToken);
        if (Refusal(presence) is { Length: > 0 } refusal)
            return new() { WaitingFor = $"{Name}: not this node: {refusal}" };
        if (Round.Excluded.FirstOrDefault(node => node.NodeId == presence.NodeId) is { } excluded && !Round.Outstanding.Any(entry => entry.NodeId == presence.NodeId))
            return new() { WaitingFor = $"{Name}: not this node: {excluded.Reason}" };
        if (federation.State.State != FederationState.Running || Round.State != RoundState.Open
            || Round.Outstanding.FirstOrDefault(entry => entry.NodeId == presence.NodeId) is not { } entry)
            return new() { WaitingFor = $"{Name}: {StatusText()}" };
        if (candidate.Report?.Attempt != Round.Attempt || candidate.Report.Round != Round.Round)
        {
            candidate.Report = new() { Federation = Name, Round = Round.Round, Attempt = Round.Attempt, Phase = TaskPhase.Downloading };
            Changed();
        }

        var density = Definition.DensityOf(presence.Group);
        return new()
        {
            Task = new()
            {
                Federation = Name,
                Round = Round.Round,
                Attempt = Round.Attempt,
                Adapter = federation.State.Adapter!,
                Fold = [.. federation.State.Fold],
                Definition = Definition,
                Deadline = Round.Deadline!.Value,
                Rank = entry.Rank,
                DensityDown = density.Down,
                DensityUp = density.Up,
            },
        };
    }

    public async Task<StatusReply> ReportAsync(string nodeId, StatusReport report, CancellationToken cancellationToken)
    {
        _ = Definition;
        if (_candidates.TryGetValue(nodeId, out var candidate))
            candidate.Seen = time.GetUtcNow();
        if (federation.State.State != FederationState.Running)
            return new() { Wanted = false, Reason = $"federation '{Name}' is {federation.State.State.ToString().ToLowerInvariant()}" };
        if (report.Round != Round.Round || Round.State != RoundState.Open)
            return new() { Wanted = false, Reason = $"round {report.Round} is closed" };
        var entry = Round.Outstanding.FirstOrDefault(member => member.NodeId == nodeId);
        if (entry is null)
            return new() { Wanted = false, Reason = Round.Updates.ContainsKey(nodeId) ? "its update is in" : $"round {report.Round} no longer has this node" };
        if (candidate is not null)
            candidate.Report = report with { Loss = report.Loss is { } loss && double.IsFinite(loss) ? loss : null };
        Changed();
        if (report.Phase is not (TaskPhase.Refused or TaskPhase.Failed))
            return new() { Wanted = true };
        Round.Cohort[Round.Cohort.IndexOf(entry)] = entry with { Failure = report.Reason.Length > 0 ? report.Reason : report.Phase.ToString().ToLowerInvariant() };
        await StoreAsync(round);
        log.NodeFailed(Name, Round.Round, nodeId, report.Reason);
        await AdvanceAsync(cancellationToken);
        return new() { Wanted = false, Reason = "noted" };
    }

    /// <summary>The nodes that are there and may take part; the others are noted with the reason.</summary>
    private async Task<Dictionary<string, Candidate>> EligibleAsync(CancellationToken cancellationToken)
    {
        var since = time.GetUtcNow() - PresenceWindow;
        var eligible = new Dictionary<string, Candidate>(StringComparer.Ordinal);
        var excluded = new List<ExcludedNode>();
        var spent = 0;
        foreach (var (id, candidate) in _candidates.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (candidate.Seen < since || Round.Updates.ContainsKey(id))
                continue;
            var failure = Round.Cohort.FirstOrDefault(entry => entry.NodeId == id)?.Failure;
            var reason = Refusal(candidate.Presence);
            // A node that refuses by itself has looked at its own ledger and policy.
            spent += candidate.Presence.Refused.Length > 0 && Definition.Privacy is not null ? 1 : 0;
            if (reason.Length == 0 && failure is { Length: > 0 })
                reason = $"failed in this round: {failure}";
            if (reason.Length == 0 && Definition.Privacy is not null)
            {
                reason = await BudgetRefusalAsync(candidate.Presence, cancellationToken);
                spent += reason.Length > 0 ? 1 : 0;
            }

            if (reason.Length == 0)
                eligible.Add(id, candidate);
            else
                excluded.Add(new() { NodeId = id, Name = candidate.Presence.Name, Reason = reason });
        }

        if (!excluded.SequenceEqual(Round.Excluded))
        {
            var before = Round.Excluded;
            Round.Excluded = excluded;
            foreach (var node in excluded.Except(before))
                log.Excluded(Name, Round.Round, node.NodeId, node.Reason);
            Changed();
        }

        _spent = spent;
        return eligible;
    }

    /// <summary>Whether so many nodes have no budget left that a round can only be had with new ones: then waiting is in vain.</summary>
    private async Task<bool> IsSpentAsync(CancellationToken cancellationToken)
    {
        if (_spent == 0)
            return false;
        try
        {
            var enrolled = await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListNodesAsync(cancellationToken);
            return enrolled.Count - _spent < CohortSampler.Needed(Definition.Cohort);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task<string> BudgetRefusalAsync(NodePresence presence, CancellationToken cancellationToken)
    {
        try
        {
            var row = await RowAsync(presence, cancellationToken);
            var run = new PrivacyRun { NoiseMultiplier = row.NoiseMultiplier, SamplingRate = row.SamplingRate, Steps = Definition.Training.LocalSteps };
            var answer = await GrainFactory.GetGrain<INodeGrain>(presence.NodeId).AskBudgetAsync(run, cancellationToken);
            return answer.Fits ? "" : answer.Reason;
        }
        catch (FedLoraException error)
        {
            return error.Message;
        }
        catch (TimeoutException)
        {
            return "its ledger's mirror did not answer";
        }
    }

    /// <summary>What the privacy terms mean at a node; worked out once and kept, since its receipts are held against it.</summary>
    private async Task<NodePrivacy> RowAsync(NodePresence presence, CancellationToken cancellationToken)
    {
        var (definition, rows) = (Definition, federation.State.Privacy);
        var count = PrivacyPlanner.StatedCount(definition, presence.Name, presence.Profile);
        var rate = definition.ToPlan()!.RateFor(count);
        if (rows.Find(row => row.NodeId == presence.NodeId) is { } known && known.SamplingRate.Equals(rate))
            return known;
        var row = await Task.Run(() => PrivacyPlanner.RowOf(definition, presence.NodeId, presence.Name, count), cancellationToken);
        rows.RemoveAll(old => old.NodeId == presence.NodeId || (old.NodeId.Length == 0 && old.Node == presence.Name));
        rows.Add(row);
        await StoreAsync(federation);
        return row;
    }

    /// <summary>Why the node cannot take part; empty if it can.</summary>
    private string Refusal(NodePresence presence)
    {
        if (presence.Refused.Length > 0)
            return presence.Refused;
        if (!presence.Profile.ModelFingerprints.Contains(Definition.BaseModel.Fingerprint, StringComparer.Ordinal))
            return $"it does not hold the base model {Definition.BaseModel.Name} ({Short(Definition.BaseModel.Fingerprint)}) but {string.Join(", ", presence.Profile.ModelFingerprints.Select(Short).DefaultIfEmpty("none"))}";
        var rank = Definition.RankOf(presence.Group);
        if (presence.Profile.MaxRank > 0 && presence.Profile.MaxRank < rank)
            return $"it trains rank {presence.Profile.MaxRank} at most, this federation's is {rank}";
        var unknown = Definition.Task.Kind == LearningTask.Classification ? presence.Profile.Labels.Except(Definition.Task.Labels, StringComparer.Ordinal).ToList() : [];
        return unknown.Count > 0 ? $"its data have labels that the federation does not: {string.Join(", ", unknown)}" : "";
    }

    private string ExcludedText() => Round.Excluded.Count == 0 ? "" : $" Left out: {string.Join("; ", Round.Excluded.Select(node => $"{node.Name}: {node.Reason}"))}.";

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] : hash;

    private sealed class Candidate
    {
        public NodePresence Presence { get; set; } = null!;

        public DateTimeOffset Seen { get; set; }

        public StatusReport? Report { get; set; }

        public CohortEntry Entry(FederationDefinition definition, int attempt) =>
            new() { NodeId = Presence.NodeId, Name = Presence.Name, Group = Presence.Group, Rank = definition.RankOf(Presence.Group), Attempt = attempt };
    }
}
