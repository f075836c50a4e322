using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Nodes;

/// <summary>One training node: identity, presence, and the mirror of its ledger. Polls wait here for work.</summary>
public sealed partial class NodeGrain(
    [PersistentState("node")] IPersistentState<NodeRecord> node,
    [PersistentState("presence")] IPersistentState<PresenceRecord> presence,
    BudgetVerdicts verdicts,
    CoordinatorDeaths deaths,
    TimeProvider time,
    ILogger<NodeGrain> log) : Grain, INodeGrain
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(1);
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NodeProfile _profile = new();
    private long _receipted;
    private Dictionary<string, string> _refused = [];
    private Traffic? _traffic;
    private StatusReport? _status;
    private string _lastError = "";
    private bool _ending;

    private string Id => this.GetPrimaryKeyString();

    private NodeReceipts Receipts => new(Id, node.State, GrainFactory);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_seen, _traffic, _left) = (presence.State.LastSeen, presence.State.Traffic, true);
        Receipts.AddUp();
        _shares = new() { Tasks = new(presence.State.Tasks) };
        this.RegisterGrainTimer(_ => KeepPresenceAsync(), new GrainTimerCreationOptions(PresenceKept, PresenceKept));
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        ForgetConnections();
        return KeepPresenceAsync();
    }

    public async Task EnrolAsync(string name, string group, string credentialHash, CancellationToken cancellationToken)
    {
        var enrolled = node.RecordExists ? node.State.EnrolledAt : time.GetUtcNow();
        node.State = new()
        {
            Name = name,
            Group = group,
            CredentialHash = credentialHash,
            EnrolledAt = enrolled,
            Ledger = node.State.Ledger,
            Pages = node.State.Pages,
            Spent = node.State.Spent,
            Receipted = node.State.Receipted,
            Revoked = node.State.Revoked,
        };
        await StoreAsync();
    }

    public Task RequireActiveAsync(CancellationToken cancellationToken) => ActiveAsync();

    public async Task AuthenticateAsync(string credential, CancellationToken cancellationToken)
    {
        await ActiveAsync();
        if (!CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Secrets.Hash(credential)),
            Encoding.ASCII.GetBytes(node.State.CredentialHash)))
            throw new RefusedException(RefusalCodes.NodeCredential, $"The credential is not that of node '{Id}'.",
                "Enrol again with a new join token.");
    }

    public async Task<PollReply> PollAsync(NodePoll poll, CancellationToken cancellationToken)
    {
        var until = time.GetUtcNow() + (poll.Wait < MaxWait ? poll.Wait : MaxWait);
        (_profile, _refused, _traffic, _status) = (poll.Profile, poll.Refused, poll.Traffic ?? _traffic, null);
        // As of this poll: receipts that come later are of entries that it could not know yet.
        _receipted = node.State.Receipted;
        Connect(poll.Connection);
        while (true)
        {
            await ActiveAsync();
            Hear();
            var wake = _wake.Task;
            var reply = await AskFederationsAsync(poll, cancellationToken);
            var left = until - time.GetUtcNow();
            if (reply.Task is not null || left <= TimeSpan.Zero || _ending)
                return reply with { NodeName = node.State.Name };
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(wake, Task.Delay(left, time, limit.Token));
            await limit.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public async Task<StatusReply> ReportAsync(StatusReport report, CancellationToken cancellationToken)
    {
        await ActiveAsync();
        Hear();
        (_status, _traffic) = (report, report.Traffic ?? _traffic);
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
        try
        {
            var verdict = await Mirror().FitsAsync(round.ToMechanism(), verdicts);
            return new() { Fits = verdict.Fits, Reason = verdict.Reason };
        }
        catch (FedLoraException error)
        {
            return new() { Fits = false, Reason = error.Message };
        }
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
        if (await Receipts.IsKnownAsync(entry.Receipt, cancellationToken))
            return;
        await Receipts.AddAsync(entry);
        await StoreAsync();
    }

    public async Task<LedgerMirrorEntry[]> LedgerAsync(CancellationToken cancellationToken)
    {
        await KnownAsync();
        return await Receipts.AllAsync(cancellationToken);
    }

    public async Task<NodeView> GetAsync(CancellationToken cancellationToken)
    {
        await KnownAsync();
        return View();
    }

    public async Task<NodeView> RevokeAsync(CancellationToken cancellationToken)
    {
        await KnownAsync();
        node.State.Revoked = true;
        await StoreAsync();
        await WakeAsync(cancellationToken);
        await GrainFactory.GetGrain<IRevocationGrain>(IRevocationGrain.Key).NoteAsync(Id, CancellationToken.None);
        // One that does not answer has not heard of the node for a while when it samples again.
        await TellFederationsAsync(federation => federation.NodeRevokedAsync(Id, CancellationToken.None));
        return View();
    }

    public async Task<NodeView> ReadmitAsync(CancellationToken cancellationToken)
    {
        await KnownAsync();
        if (node.State.Revoked)
        {
            node.State.Revoked = false;
            await StoreAsync();
            await GrainFactory.GetGrain<IRevocationGrain>(IRevocationGrain.Key).NoteAsync(Id, CancellationToken.None);
        }
        return View();
    }

    public async Task<NodeView> RenameAsync(string name, CancellationToken cancellationToken)
    {
        await KnownAsync();
        node.State.Name = name;
        await StoreAsync();
        return View();
    }

    public async Task RequireForgettableAsync(bool forgetReceipts, CancellationToken cancellationToken)
    {
        await KnownAsync();
        if (!node.State.Revoked)
            throw new RefusedException(RefusalCodes.NodeActive, $"Node '{node.State.Name}' is not revoked.",
                $"Revoke it first: fedlora admin node revoke {node.State.Name}");
        if (Receipts.Count > 0 && !forgetReceipts)
            throw new RefusedException(RefusalCodes.NodeReceipts,
                $"With node '{node.State.Name}' this coordinator would forget {Receipts.Count} receipts of what its data have "
                    + "spent.",
                "The site's own ledger has them still; to forget them here, add --forget-receipts.");
    }

    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        // Nothing is written any more when it ends.
        (_seen, _presenceUnknown) = (null, false);
        await presence.ClearStateAsync(CancellationToken.None);
        await Receipts.ForgetPagesAsync();
        await node.ClearStateAsync(CancellationToken.None);
        DeactivateOnIdle();
    }

    private LedgerMirror Mirror() => new(_profile.Balances is [var balance, ..] ? balance : null, node.State.Spent!, _receipted);

    private NodeView View() => new()
    {
        NodeId = Id,
        Name = node.State.Name,
        Group = node.State.Group,
        EnrolledAt = node.State.EnrolledAt,
        LastSeen = _seen,
        Revoked = node.State.Revoked,
        Online = !node.State.Revoked && IsHere,
        Profile = _profile,
        Traffic = _traffic,
        Refused = new(_refused),
        Status = _status,
        LastError = _lastError,
        Spent = node.State.Spent!.ToArray(),
        Tasks = new(_shares.Tasks),
    };

    private async Task KnownAsync()
    {
        if (node.State.Name.Length > 0)
            return;
        // Listed, and cut off before its own record was written.
        if (await GrainFactory.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).FindNodeAsync(Id, CancellationToken.None) is not { } listed)
        {
            // Whoever makes up ids must not fill the memory with nodes that there are not.
            DeactivateOnIdle();
            throw new RefusedException(RefusalCodes.NodeUnknown, $"There is no node '{Id}'.", "Enrol it with a join token.");
        }

        // Not written here: calls interleave. Its next write has it.
        if (node.State.Name.Length == 0)
            (node.State.Name, node.State.Group, node.State.CredentialHash, node.State.EnrolledAt) = (listed.Name, listed.Group,
                listed.CredentialHash, time.GetUtcNow());
    }

    private async Task ActiveAsync()
    {
        await KnownAsync();
        if (node.State.Revoked)
            throw new RefusedException(RefusalCodes.NodeRevoked, $"Node '{node.State.Name}' has been revoked.",
                "Ask the operator of the coordinator.");
    }

    private Task StoreAsync() => StoredState.StoreAsync(this, node, () =>
    {
        // A grain that is to end ends only after the calls that it holds.
        _ending = true;
        _wake.TrySetResult();
    });
}
