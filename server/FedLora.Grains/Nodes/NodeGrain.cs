using System.Security.Cryptography;
using System.Text;
using FedLora.Privacy.Ledger;
using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Nodes;

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

    /// <summary>How many receipts a page takes. At most twice as many are kept here, and so written again with every receipt.</summary>
    public const int PageSize = 50;

    /// <summary>The latest receipts, oldest first; those before lie in pages.</summary>
    [Id(5)] public List<LedgerMirrorEntry> Ledger { get; set; } = [];

    [Id(6)] public int Pages { get; set; }

    /// <summary>By data set, the one that was used last at the end; null in records of earlier programs, whose ledger is whole.</summary>
    [Id(7)] public List<DataSetSpending>? Spent { get; set; }

    /// <summary>The latest place in the node's ledger of which there is a receipt; 0 = none.</summary>
    [Id(8)] public long Receipted { get; set; }
}

/// <summary>When a node was last heard of. Kept apart from its identity: it is written often, and may be lost.</summary>
[GenerateSerializer]
public sealed class PresenceRecord
{
    [Id(0)] public DateTimeOffset? LastSeen { get; set; }

    [Id(1)] public Traffic? Traffic { get; set; }

    /// <summary>How many tasks it was given, by federation.</summary>
    [Id(2)] public Dictionary<string, int> Tasks { get; set; } = [];
}

/// <summary>One training node: identity, presence, and the mirror of its ledger. Polls wait here for work.</summary>
public sealed class NodeGrain(
    [PersistentState("node")] IPersistentState<NodeRecord> node,
    [PersistentState("presence")] IPersistentState<PresenceRecord> presence,
    BudgetVerdicts verdicts,
    TimeProvider time,
    ILogger<NodeGrain> log) : Grain, INodeGrain
{
    private const int MostLooks = 2;
    private static readonly TimeSpan PresenceKept = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(5);
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _connections = new(StringComparer.Ordinal);
    private DateTimeOffset? _seen;
    private bool _left;
    private bool _presenceUnknown;
    // By a clock that nobody sets: one that is set back would keep the dead alive.
    private long _heard;
    private NodeProfile _profile = new();
    private long _receipted;
    private Dictionary<string, string> _refused = [];
    private Traffic? _traffic;
    private StatusReport? _status;
    private string _lastError = "";
    private WorkShares _shares = new();
    private bool _ending;

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_seen, _traffic, _left) = (presence.State.LastSeen, presence.State.Traffic, true);
        if (node.State.Spent is null)
            AddUp(node.State);
        _shares = new() { Tasks = new(presence.State.Tasks) };
        this.RegisterGrainTimer(_ => KeepPresenceAsync(), new GrainTimerCreationOptions(PresenceKept, PresenceKept));
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => KeepPresenceAsync();

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
        while (true)
        {
            await ActiveAsync();
            (_seen, _heard, _left) = (time.GetUtcNow(), time.GetTimestamp(), false);
            var wake = _wake.Task;
            var reply = await AskFederationsAsync(poll, cancellationToken);
            var left = until - time.GetUtcNow();
            if (reply.Task is not null || left <= TimeSpan.Zero || _ending)
                return reply;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(wake, Task.Delay(left, time, limit.Token));
            await limit.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public async Task<TrainingTask[]> TasksAsync(CancellationToken cancellationToken)
    {
        await ActiveAsync();
        var tasks = new List<TrainingTask>();
        foreach (var entry in await FederationsAsync())
        {
            if (await AskAsync(entry.Name, federation => federation.TaskOfAsync(Id, cancellationToken), _ => null) is { } task)
                tasks.Add(task);
        }

        return [.. tasks];
    }

    public async Task<StatusReply> ReportAsync(StatusReport report, CancellationToken cancellationToken)
    {
        await ActiveAsync();
        (_seen, _heard, _left, _status, _traffic) = (time.GetUtcNow(), time.GetTimestamp(), false, report, report.Traffic ?? _traffic);
        if (report.Phase == TaskPhase.Failed)
            _lastError = report.Reason;
        return await GrainFactory.GetGrain<IFederationGrain>(report.Federation).ReportAsync(Id, report, cancellationToken);
    }

    public Task ConnectedAsync(string connection, CancellationToken cancellationToken)
    {
        _connections.Add(connection);
        return Task.CompletedTask;
    }

    public async Task DisconnectedAsync(string connection, CancellationToken cancellationToken)
    {
        _connections.Remove(connection);
        if (_connections.Count > 0 || _left)
            return;
        _left = true;
        // Its last sign of life: the next minute's write would be one that a killed coordinator never makes.
        await KeepPresenceAsync();
        foreach (var entry in await FederationsAsync())
        {
            await AskAsync<object?>(entry.Name, async federation =>
            {
                await federation.NodeLeftAsync(Id, CancellationToken.None);
                return null;
            }, _ => null);
        }
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
        if (await IsKnownAsync(entry.Receipt, cancellationToken))
            return;
        var ledger = node.State.Ledger;
        while (ledger.Count >= 2 * NodeRecord.PageSize)
        {
            // Until the record below is stored, the next receipt writes the same page again.
            await Page(node.State.Pages).WriteAsync([.. ledger.Take(NodeRecord.PageSize)], CancellationToken.None);
            ledger.RemoveRange(0, NodeRecord.PageSize);
            node.State.Pages++;
        }

        ledger.Add(entry);
        (node.State.Spent, node.State.Receipted) = (DataSetSpending.Add(node.State.Spent!, entry),
            Math.Max(node.State.Receipted, entry.Receipt.EntrySequence));
        await StoreAsync();
    }

    public async Task<LedgerMirrorEntry[]> LedgerAsync(CancellationToken cancellationToken)
    {
        await KnownAsync();
        LedgerMirrorEntry[] latest = [.. node.State.Ledger];
        return [.. (await PagesAsync(cancellationToken)).SelectMany(page => page), .. latest];
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
        foreach (var entry in await FederationsAsync())
        {
            // One that does not answer has not heard of the node for a while when it samples again.
            await AskAsync<object?>(entry.Name, async federation =>
            {
                await federation.NodeRevokedAsync(Id, CancellationToken.None);
                return null;
            }, _ => null);
        }

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

    public async Task RequireForgettableAsync(bool forgetReceipts, CancellationToken cancellationToken)
    {
        await KnownAsync();
        if (!node.State.Revoked)
            throw new RefusedException(RefusalCodes.NodeActive, $"Node '{node.State.Name}' is not revoked.",
                $"Revoke it first: fedlora admin node revoke {node.State.Name}");
        var receipts = node.State.Ledger.Count + (node.State.Pages * NodeRecord.PageSize);
        if (receipts > 0 && !forgetReceipts)
            throw new RefusedException(RefusalCodes.NodeReceipts,
                $"With node '{node.State.Name}' this coordinator would forget {receipts} receipts of what its data have "
                    + "spent.",
                "The site's own ledger has them still; to forget them here, add --forget-receipts.");
    }

    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        // Nothing is written any more when it ends.
        (_seen, _presenceUnknown) = (null, false);
        await presence.ClearStateAsync(CancellationToken.None);
        for (var page = 0; page < node.State.Pages; page++)
            await Page(page).DeleteAsync(CancellationToken.None);
        await node.ClearStateAsync(CancellationToken.None);
        DeactivateOnIdle();
    }

    /// <summary>All federations that may have work.</summary>
    private async Task<PollReply> AskFederationsAsync(NodePoll poll, CancellationToken cancellationToken)
    {
        for (var again = 0; ; again++)
        {
            var (waiting, looking) = (new List<string>(), new List<string>());
            foreach (var entry in _shares.InTurn(await FederationsAsync()))
            {
                // A poll that was under way when the node was revoked makes it known to no further federation.
                await ActiveAsync();
                var here = new NodePresence
                {
                    NodeId = Id,
                    Name = node.State.Name,
                    Group = node.State.Group,
                    Start = poll.Start,
                    Profile = poll.Profile,
                    Refused = poll.Refused.GetValueOrDefault(entry.Name, ""),
                };
                var reply = await AskAsync(entry.Name, federation => federation.CheckInAsync(here, cancellationToken),
                    why => new() { WaitingFor = $"{entry.Name}: {why}" });
                if (reply.Task is not null)
                {
                    _shares.Note(reply.Task);
                    return reply;
                }

                waiting.Add(reply.WaitingFor);
                if (reply.Looking)
                    looking.Add(entry.Name);
            }

            // Whose budgets are just being asked for may have work in a moment.
            if (looking.Count == 0 || again == MostLooks)
                return new() { WaitingFor = waiting.Count == 0 ? "no federation has work" : string.Join("; ", waiting) };
            Task looked = Task.WhenAny(
                looking.Select(name => GrainFactory.GetGrain<IFederationGrain>(name).LookedAsync(cancellationToken)));
            await looked.WaitAsync(LongestLook, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<IEnumerable<FederationEntry>> FederationsAsync() =>
        (await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(CancellationToken.None))
            .Where(entry => entry.State is not (FederationState.Finished or FederationState.Stopped));

    /// <summary>One federation that is damaged or does not answer is named, and keeps nobody from the others.</summary>
    private async Task<T> AskAsync<T>(string name, Func<IFederationGrain, Task<T>> ask, Func<string, T> otherwise)
    {
        try
        {
            return await ask(GrainFactory.GetGrain<IFederationGrain>(name));
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            log.FederationFailed(error, name, Id);
            return otherwise($"it cannot be read now ({error.GetBaseException().Message.ReplaceLineEndings(" ")})");
        }
    }

    private LedgerMirror Mirror() => new(_profile.Balances is [var balance, ..] ? balance : null, node.State.Spent!, _receipted);

    private ILedgerPageGrain Page(int page) => GrainFactory.GetGrain<ILedgerPageGrain>(LedgerPageGrain.Key(Id, page));

    private Task<LedgerMirrorEntry[][]> PagesAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, node.State.Pages).Select(page => Page(page).ReadAsync(cancellationToken)));

    // By the entry, not by the round: a round that was trained again was spent again. What is older than the latest receipts is looked for
    // in the pages: it was sent very late, or the site's ledger was put back.
    private async Task<bool> IsKnownAsync(LedgerReceipt receipt, CancellationToken cancellationToken)
    {
        if (node.State.Ledger.Exists(Is))
            return true;
        return node.State.Pages > 0 && receipt.EntrySequence < node.State.Ledger.Min(known => known.Receipt.EntrySequence)
            && (await PagesAsync(cancellationToken)).Any(page => Array.Exists(page, Is));

        bool Is(LedgerMirrorEntry known) => known.Receipt.EntryHash == receipt.EntryHash;
    }

    private static void AddUp(NodeRecord record)
    {
        record.Spent = [];
        foreach (var entry in record.Ledger)
            (record.Spent, record.Receipted) = (DataSetSpending.Add(record.Spent, entry),
                Math.Max(record.Receipted, entry.Receipt.EntrySequence));
    }

    private NodeView View() => new()
    {
        NodeId = Id,
        Name = node.State.Name,
        Group = node.State.Group,
        EnrolledAt = node.State.EnrolledAt,
        LastSeen = _seen,
        Revoked = node.State.Revoked,
        Online = !node.State.Revoked && !_left && time.GetElapsedTime(_heard) <= NodesHere.Window,
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

    private async Task KeepPresenceAsync()
    {
        if (_seen == presence.State.LastSeen)
            return;
        try
        {
            if (_presenceUnknown)
                await presence.ReadStateAsync();
            (presence.State.LastSeen, presence.State.Traffic, presence.State.Tasks) = (_seen, _traffic, new(_shares.Tasks));
            _presenceUnknown = true;
            await presence.WriteStateAsync();
            _presenceUnknown = false;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // For people to look at: a full disk must not cost the node its work. The next minute tries again.
            log.PresenceNotKept(error, Id);
        }
    }

    private Task StoreAsync() => StoredState.StoreAsync(this, node, () =>
    {
        // A grain that is to end ends only after the calls that it holds.
        _ending = true;
        _wake.TrySetResult();
    });
}
