using System.Security.Cryptography;
using System.Text;

namespace FedLora.Grains;

/// <summary>Stored state of a node.</summary>
[GenerateSerializer]
public sealed class NodeRecord
{
    /// <summary>Empty: no such node.</summary>
    [Id(0)] public string Name { get; set; } = "";

    [Id(1)] public string Group { get; set; } = "";

    /// <summary>SHA-256 (hex) of the credential.</summary>
    [Id(2)] public string CredentialHash { get; set; } = "";

    [Id(3)] public DateTimeOffset EnrolledAt { get; set; }

    [Id(4)] public bool Revoked { get; set; }

    [Id(5)] public List<LedgerMirrorEntry> Ledger { get; set; } = [];
}

/// <summary>One training node: identity, presence, and the mirror of its ledger. Polls wait here for work.</summary>
public sealed class NodeGrain([PersistentState("node")] IPersistentState<NodeRecord> node, TimeProvider time) : Grain, INodeGrain
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(1);
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DateTimeOffset? _seen;
    private NodeProfile _profile = new();
    private Dictionary<string, string> _refused = [];
    private Traffic? _traffic;
    private StatusReport? _status;
    private string _lastError = "";
    private (string Question, BudgetAnswer Answer) _budget = ("", new() { Fits = true });

    private string Id => this.GetPrimaryKeyString();

    public async Task EnrolAsync(string name, string group, string credentialHash, CancellationToken cancellationToken)
    {
        var enrolled = node.RecordExists ? node.State.EnrolledAt : time.GetUtcNow();
        node.State = new() { Name = name, Group = group, CredentialHash = credentialHash, EnrolledAt = enrolled, Ledger = node.State.Ledger, Revoked = node.State.Revoked };
        await this.StoreAsync(node);
    }

    public Task AuthenticateAsync(string credential, CancellationToken cancellationToken)
    {
        RequireActive();
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Secrets.Hash(credential)), Encoding.ASCII.GetBytes(node.State.CredentialHash))
            ? Task.CompletedTask
            : throw new RefusedException(RefusalCodes.NodeCredential, $"The credential is not that of node '{Id}'.", "Enrol again with a new join token.");
    }

    public async Task<PollReply> PollAsync(NodePoll poll, CancellationToken cancellationToken)
    {
        var until = time.GetUtcNow() + (poll.Wait < MaxWait ? poll.Wait : MaxWait);
        (_profile, _refused, _traffic, _status) = (poll.Profile, poll.Refused, poll.Traffic ?? _traffic, null);
        while (true)
        {
            RequireActive();
            _seen = time.GetUtcNow();
            var wake = _wake.Task;
            var reply = await AskFederationsAsync(poll, cancellationToken);
            var left = until - time.GetUtcNow();
            if (reply.Task is not null || left <= TimeSpan.Zero)
                return reply;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(wake, Task.Delay(left, time, limit.Token));
            await limit.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public async Task<StatusReply> ReportAsync(StatusReport report, CancellationToken cancellationToken)
    {
        RequireActive();
        (_seen, _status, _traffic) = (time.GetUtcNow(), report, report.Traffic ?? _traffic);
        if (report.Phase == TaskPhase.Failed)
            _lastError = report.Reason;
        return await GrainFactory.GetGrain<IFederationGrain>(report.Federation).ReportAsync(Id, report, cancellationToken);
    }

    public Task WakeAsync(CancellationToken cancellationToken)
    {
        var waiting = _wake;
        _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting.TrySetResult();
        return Task.CompletedTask;
    }

    public async Task<BudgetAnswer> AskBudgetAsync(PrivacyRun round, CancellationToken cancellationToken)
    {
        var mirror = Mirror();
        // Asked with every poll while a round is sampled: the same question gets the same answer.
        var question = string.Join(';', mirror.Past().Append(round.ToMechanism()).Select(run => run.ToString()).Append($"{mirror.Limit} {(_profile.Balances is [var told, ..] ? told.SpentEpsilon : 0)}"));
        if (_budget.Question == question)
            return _budget.Answer;
        try
        {
            var verdict = await Task.Run(() => mirror.Fits(round.ToMechanism(), cancellationToken), cancellationToken);
            _budget = (question, new() { Fits = verdict.Fits, Reason = verdict.Reason });
        }
        catch (FedLoraException error)
        {
            _budget = (question, new() { Fits = false, Reason = error.Message });
        }

        return _budget.Answer;
    }

    public async Task<PlanAnswer> AskPlanAsync(PrivacyRun round, long rounds, CancellationToken cancellationToken)
    {
        var mirror = Mirror();
        try
        {
            var verdict = await Task.Run(() => mirror.Plan(round.ToMechanism(), rounds, cancellationToken), cancellationToken);
            return new() { Fits = verdict.Fits, Rounds = verdict.Rounds, Reason = verdict.Reason };
        }
        catch (FedLoraException error)
        {
            return new() { Fits = false, Rounds = 0, Reason = error.Message };
        }
    }

    public async Task RecordReceiptAsync(LedgerMirrorEntry entry, CancellationToken cancellationToken)
    {
        if (node.State.Ledger.Exists(known => known.Federation == entry.Federation && known.Round == entry.Round))
            return;
        node.State.Ledger.Add(entry);
        await this.StoreAsync(node);
    }

    public Task<NodeView> GetAsync(CancellationToken cancellationToken)
    {
        RequireKnown();
        return Task.FromResult(View());
    }

    public async Task<NodeView> RevokeAsync(CancellationToken cancellationToken)
    {
        RequireKnown();
        node.State.Revoked = true;
        await this.StoreAsync(node);
        await WakeAsync(cancellationToken);
        return View();
    }

    private async Task<PollReply> AskFederationsAsync(NodePoll poll, CancellationToken cancellationToken)
    {
        var waiting = new List<string>();
        foreach (var entry in await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(cancellationToken))
        {
            if (entry.State is FederationState.Finished or FederationState.Stopped)
                continue;
            var presence = new NodePresence
            {
                NodeId = Id,
                Name = node.State.Name,
                Group = node.State.Group,
                Profile = poll.Profile,
                Refused = poll.Refused.GetValueOrDefault(entry.Name, ""),
            };
            var reply = await GrainFactory.GetGrain<IFederationGrain>(entry.Name).CheckInAsync(presence, cancellationToken);
            if (reply.Task is not null)
                return reply;
            waiting.Add(reply.WaitingFor);
        }

        return new() { WaitingFor = waiting.Count == 0 ? "no federation has work" : string.Join("; ", waiting) };
    }

    private LedgerMirror Mirror() => new(_profile.Balances is [var balance, ..] ? balance : null, [.. node.State.Ledger]);

    private NodeView View() => new()
    {
        NodeId = Id,
        Name = node.State.Name,
        Group = node.State.Group,
        EnrolledAt = node.State.EnrolledAt,
        LastSeen = _seen,
        Revoked = node.State.Revoked,
        Online = !node.State.Revoked && _seen is { } seen && seen >= time.GetUtcNow() - FederationGrain.PresenceWindow,
        Profile = _profile,
        Traffic = _traffic,
        Refused = new(_refused),
        Status = _status,
        LastError = _lastError,
        Ledger = [.. node.State.Ledger],
    };

    private void RequireKnown()
    {
        if (node.State.Name.Length == 0)
            throw new RefusedException(RefusalCodes.NodeUnknown, $"There is no node '{Id}'.", "Enrol it with a join token.");
    }

    private void RequireActive()
    {
        RequireKnown();
        if (node.State.Revoked)
            throw new RefusedException(RefusalCodes.NodeRevoked, $"Node '{node.State.Name}' has been revoked.", "Ask the operator of the coordinator.");
    }
}
