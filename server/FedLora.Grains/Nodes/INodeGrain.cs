using Orleans.Concurrency;

namespace FedLora.Grains.Nodes;

/// <summary>One enrolled training node; the key is its id.</summary>
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>Called by <see cref="IEnrolmentGrain"/>: stores name, group and hash of the credential.</summary>
    [Repeatable]
    Task EnrolAsync(string name, string group, string credentialHash, CancellationToken cancellationToken);

    /// <summary>Refuses (<c>node-unknown</c>, <c>node-revoked</c>, <c>node-credential</c>) unless the credential is this node's.</summary>
    [Repeatable]
    Task AuthenticateAsync(string credential, CancellationToken cancellationToken);

    /// <summary>Refuses (<c>node-unknown</c>, <c>node-revoked</c>) unless it is a node.</summary>
    [AlwaysInterleave, Repeatable]
    Task RequireActiveAsync(CancellationToken cancellationToken);

    /// <summary>Heartbeat and question for work; returns as soon as there is a task, or after <see cref="NodePoll.Wait"/>.</summary>
    [AlwaysInterleave, ResponseTimeout("00:02:00"), Repeatable]
    Task<PollReply> PollAsync(NodePoll poll, CancellationToken cancellationToken);

    /// <summary>The tasks that the node has now, of all federations: what a poll chooses from, without being one.</summary>
    [AlwaysInterleave, Repeatable]
    Task<TrainingTask[]> TasksAsync(CancellationToken cancellationToken);

    /// <summary>Progress, and the heartbeat of a busy node.</summary>
    [AlwaysInterleave, Repeatable]
    Task<StatusReply> ReportAsync(StatusReport report, CancellationToken cancellationToken);

    /// <summary>A connection over which the node calls has ended, by itself or because its machine no longer answers.</summary>
    [AlwaysInterleave, Repeatable]
    Task DisconnectedAsync(string connection, CancellationToken cancellationToken);

    /// <summary>A coordinator has died, and with it the connections over which the node called there.</summary>
    [AlwaysInterleave, Repeatable]
    Task CoordinatorDiedAsync(SiloAddress coordinator, CancellationToken cancellationToken);

    /// <summary>Called by a federation that has work for the node: wakes waiting polls.</summary>
    [AlwaysInterleave, Repeatable]
    Task WakeAsync(CancellationToken cancellationToken);

    /// <summary>The node calls over this connection, until <see cref="DisconnectedAsync"/> or <see cref="CoordinatorDiedAsync"/>.</summary>
    [AlwaysInterleave, Repeatable]
    Task ConnectedAsync(NodeConnection connection, CancellationToken cancellationToken);

    /// <summary>Whether one more round fits the node's privacy limit, as mirrored here.</summary>
    [AlwaysInterleave, Repeatable]
    Task<BudgetAnswer> AskBudgetAsync(PrivacyRun round, CancellationToken cancellationToken);

    /// <summary>
    /// Whether so many rounds fit the node's privacy limit, as mirrored here; if not, how many would, and with which noise all would.
    /// </summary>
    [AlwaysInterleave, Repeatable]
    Task<PlanAnswer> AskPlanAsync(PrivacyRun round, long rounds, CancellationToken cancellationToken);

    /// <summary>
    /// Adds a receipt to the ledger's mirror. One of the same entry of the node's ledger (by its hash) counts once, however often it comes;
    /// a round that was trained twice has two entries, and counts twice.
    /// </summary>
    [Repeatable]
    Task RecordReceiptAsync(LedgerMirrorEntry entry, CancellationToken cancellationToken);

    /// <summary>The receipts of its ledger, oldest first.</summary>
    [AlwaysInterleave, Repeatable]
    Task<LedgerMirrorEntry[]> LedgerAsync(CancellationToken cancellationToken);

    [AlwaysInterleave, Repeatable]
    Task<NodeView> GetAsync(CancellationToken cancellationToken);

    [Repeatable]
    Task<NodeView> RevokeAsync(CancellationToken cancellationToken);

    /// <summary>Lets a revoked node call again, by the identity that it has.</summary>
    [Repeatable]
    Task<NodeView> ReadmitAsync(CancellationToken cancellationToken);

    /// <summary>Called by <see cref="IEnrolmentGrain"/>: the node is told with its next poll.</summary>
    [Repeatable]
    Task<NodeView> RenameAsync(string name, CancellationToken cancellationToken);

    /// <summary>Refuses (<c>node-unknown</c>, <c>node-active</c>, <c>node-receipts</c>) where it may not be deleted.</summary>
    [Repeatable]
    Task RequireForgettableAsync(bool forgetReceipts, CancellationToken cancellationToken);

    /// <summary>Called by <see cref="IEnrolmentGrain"/>, which no longer lists it: nothing is kept of it.</summary>
    [Repeatable]
    Task ForgetAsync(CancellationToken cancellationToken);
}
