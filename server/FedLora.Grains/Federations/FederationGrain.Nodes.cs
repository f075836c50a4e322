namespace FedLora.Grains.Federations;

/// <content>Who is there, and what they report.</content>
public sealed partial class FederationGrain
{
    private readonly LookGate _gate = new();
    private readonly Dictionary<string, StatusReport> _reports = new(StringComparer.Ordinal);
    private NodesHere? _here;
    private TaskCompletionSource? _looked;
    private bool _asking;
    private int? _enrolled;

    private NodesHere Here => _here ??= new(presence => Eligibility.Refusal(Definition, presence));

    public async Task<PollReply> CheckInAsync(NodePresence presence, CancellationToken cancellationToken)
    {
        _ = Definition;
        if (Here.Note(presence, time.GetUtcNow()))
        {
            Changed();
            if (_gate.Opens(Here, Standing, time.GetUtcNow()))
                await LookAsync();
        }

        if (RoundDecisions.TaskOf(Standing, presence.NodeId) is { } member)
            return new() { Task = TaskOf(member) };
        return new() { WaitingFor = $"{Name}: {WhyNot(presence)}", Looking = _looked is not null };
    }

    public Task<TrainingTask?> TaskOfAsync(string nodeId, CancellationToken cancellationToken) =>
        Task.FromResult(
            row.State.Standing is { } standing && RoundDecisions.TaskOf(standing, nodeId) is { } member ? TaskOf(member) : null);

    public Task LookedAsync(CancellationToken cancellationToken) => _looked?.Task.WaitAsync(cancellationToken) ?? Task.CompletedTask;

    public async Task<StatusReply> ReportAsync(string nodeId, StatusReport report, CancellationToken cancellationToken)
    {
        if (RoundDecisions.NotWanted(Standing, nodeId, report.Round) is { Length: > 0 } why)
            return new() { Wanted = false, Reason = why };
        var member = Round.Cohort[nodeId];
        _reports[nodeId] = report with { Loss = report.Loss is { } loss && double.IsFinite(loss) ? loss : null };
        Changed();
        if (report.Phase is TaskPhase.Refused or TaskPhase.Failed)
        {
            await SendAsync(
                new FederationEvent.NodeFailed(nodeId, report.Round,
                    report.Reason.Length > 0 ? report.Reason : report.Phase.ToString().ToLowerInvariant()));
            return new() { Wanted = false, Reason = "noted" };
        }

        Here.Heard(new() { NodeId = nodeId, Name = member.Name, Group = member.Group }, report.Round, time.GetUtcNow());
        if (_gate.Opens(Here, Standing, time.GetUtcNow()))
            await LookAsync();
        return new() { Wanted = true };
    }

    public async Task NodeRevokedAsync(string nodeId, CancellationToken cancellationToken)
    {
        if (row.State.Standing is null)
            return;
        Here.Remove(nodeId);
        await SendAsync(new FederationEvent.NodeRevoked(nodeId));
    }

    public Task NodeLeftAsync(string nodeId, CancellationToken cancellationToken)
    {
        if (row.State.Standing is null || Here.Find(nodeId) is null)
            return Task.CompletedTask;
        Here.Remove(nodeId);
        Changed();
        return Task.CompletedTask;
    }

    private async Task LookAsync()
    {
        // Whoever is being asked for its budget is looked at when it has answered.
        if (_asking)
            return;
        await SendAsync(new FederationEvent.Looked([.. Here.At(time.GetUtcNow(), Round.Round).Select(seen => seen.Candidate)], _enrolled));
        _gate.Looked(Here, Standing, time.GetUtcNow());
    }

    private void AskBudgets(IReadOnlyList<string> nodeIds)
    {
        _asking = true;
        _looked ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = AnswerAsync(Standing, [.. nodeIds.Select(Here.Find).OfType<NodePresence>()]);
    }

    private async Task AnswerAsync(FederationStanding standing, IReadOnlyList<NodePresence> nodes)
    {
        var answers = await budgets.AskAsync(standing, nodes);
        foreach (var (node, answer) in answers.ByNode)
            Here.Answer(node, answer);
        (_asking, _enrolled) = (false, answers.Enrolled);
        // In a turn of its own; it looks again whether or not there are new rows.
        Post(new FederationEvent.PrivacyWorkedOut([.. answers.NewRows]));
    }

    private void EndOfLook()
    {
        if (_asking)
            return;
        _looked?.TrySetResult();
        _looked = null;
    }

    private string WhyNot(NodePresence presence)
    {
        if (Eligibility.Refusal(Definition, presence) is { Length: > 0 } refusal)
            return $"not this node: {refusal}";
        return Round.Excluded.Find(node => node.NodeId == presence.NodeId) is { } excluded && !Round.Awaited.Contains(presence.NodeId)
            ? $"not this node: {excluded.Reason}"
            : StatusText();
    }

    private TrainingTask TaskOf(CohortEntry member)
    {
        var density = Definition.DensityOf(member.Group);
        if (_reports.GetValueOrDefault(member.NodeId) is not { } known || known.Attempt != Round.Attempt || known.Round != Round.Round)
        {
            _reports[member.NodeId] = new()
            {
                Federation = Name,
                Round = Round.Round,
                Attempt = Round.Attempt,
                Phase = TaskPhase.Downloading,
            };
            Changed();
        }

        return new()
        {
            Federation = Name,
            Round = Round.Round,
            Attempt = Round.Attempt,
            Adapter = Standing.Adapter,
            Fold = [.. Standing.Fold],
            Definition = TermsAt(member.NodeId),
            Deadline = Round.Deadline!.Value,
            Rank = member.Rank,
            DensityDown = density.Down,
            DensityUp = density.Up,
        };
    }

    /// <summary>
    /// The definition with the node's own sigma and q stated: calibrated once, here, for the last digits differ between machines. The node
    /// does not compute them again but checks that they keep the federation's epsilon.
    /// </summary>
    private FederationDefinition TermsAt(string nodeId) =>
        Definition.Privacy is { } privacy && Standing.Privacy.Find(row => row.NodeId == nodeId) is { } row
            ? Definition with { Privacy = privacy with { NoiseMultiplier = row.NoiseMultiplier, SamplingRate = row.SamplingRate } }
            : Definition;
}
