using Orleans.Concurrency;

namespace FedLora.Grains;

/// <summary>One enrolled training node; the key is its id.</summary>
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>Called by the registry: stores name and hash of the secret.</summary>
    Task EnrolAsync(string name, string secretHash, CancellationToken cancellationToken);

    /// <summary>Refuses (<c>node-unknown</c>, <c>node-revoked</c>, <c>node-credential</c>) unless the secret is this node's.</summary>
    Task AuthenticateAsync(string secret, CancellationToken cancellationToken);

    /// <summary>Heartbeat and question for work; returns as soon as there is a task, or after <see cref="NodePoll.Wait"/>.</summary>
    [AlwaysInterleave, ResponseTimeout("00:02:00")]
    Task<PollReply> PollAsync(NodePoll poll, CancellationToken cancellationToken);

    /// <summary>Heartbeat without a question, while the node is busy.</summary>
    Task ReportAsync(NodePoll status, CancellationToken cancellationToken);

    /// <summary>Called by a federation that has work for the node: wakes waiting polls.</summary>
    [AlwaysInterleave]
    Task WakeAsync(CancellationToken cancellationToken);

    /// <summary>Whether the round fits what is left of the node's privacy budget, as mirrored here.</summary>
    Task<BudgetAnswer> AskBudgetAsync(BudgetQuestion question, CancellationToken cancellationToken);

    /// <summary>Adds a receipt to the ledger's mirror; the same (federation, round) twice counts once.</summary>
    Task RecordReceiptAsync(LedgerMirrorEntry entry, CancellationToken cancellationToken);

    Task<NodeView> GetAsync(CancellationToken cancellationToken);

    Task RevokeAsync(CancellationToken cancellationToken);
}
