using Orleans.Concurrency;

namespace FedLora.Grains.Enrolment;

/// <summary>The coordinator's join tokens, and the nodes that were let in with them; the key is <see cref="Key"/>.</summary>
public interface IEnrolmentGrain : IGrainWithStringKey
{
    /// <summary>The key of the only one.</summary>
    const string Key = "enrolment";

    Task<IssuedToken> CreateTokenAsync(TokenRequest request, CancellationToken cancellationToken);

    /// <summary>Those that can still be used.</summary>
    [Repeatable]
    Task<IReadOnlyList<TokenView>> ListTokensAsync(CancellationToken cancellationToken);

    /// <summary>Whether it was there.</summary>
    Task<bool> RevokeTokenAsync(string id, CancellationToken cancellationToken);

    /// <summary>Whether this is a node's token, used up or not; uses nothing up.</summary>
    [AlwaysInterleave, Repeatable]
    Task<bool> KnowsTokenAsync(string token, CancellationToken cancellationToken);

    /// <summary>Uses up one use of the token and makes a node; refuses with <c>token-invalid</c>.</summary>
    [Repeatable]
    Task<EnrolReply> EnrolAsync(EnrolRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a node another name; the one it had stays reserved for it. Done again it mends what was cut off. Refuses (<c>node-unknown</c>,
    /// <c>node-name</c>, <c>node-exists</c>, <c>node-named</c>).
    /// </summary>
    [Repeatable]
    Task<NodeView> RenameNodeAsync(string nodeId, string name, CancellationToken cancellationToken);

    /// <summary>Forgets a revoked node; its name is free again. Refuses (<c>node-active</c>, <c>node-receipts</c>).</summary>
    /// <param name="nodeId">Its id.</param>
    /// <param name="forgetReceipts">Whether the receipts of what its data sets have spent may be forgotten too.</param>
    /// <param name="cancellationToken">The caller's.</param>
    Task DeleteNodeAsync(string nodeId, bool forgetReceipts, CancellationToken cancellationToken);

    [AlwaysInterleave, Repeatable]
    Task<IReadOnlyList<NodeEntry>> ListNodesAsync(CancellationToken cancellationToken);

    /// <summary>How many there are.</summary>
    [AlwaysInterleave, Repeatable]
    Task<int> CountNodesAsync(CancellationToken cancellationToken);

    /// <summary>What is known of an enrolled node; null where there is none of that id.</summary>
    [AlwaysInterleave, Repeatable]
    Task<NodeRegistration?> FindNodeAsync(string nodeId, CancellationToken cancellationToken);
}
