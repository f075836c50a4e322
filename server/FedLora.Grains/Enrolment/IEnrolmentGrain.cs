using Orleans.Concurrency;

namespace FedLora.Grains.Enrolment;

/// <summary>The coordinator's join tokens, and the nodes that were let in with them; the key is <see cref="Key"/>.</summary>
public interface IEnrolmentGrain : IGrainWithStringKey
{
    /// <summary>The key of the only one.</summary>
    const string Key = "enrolment";

    Task<IssuedToken> CreateTokenAsync(TokenRequest request, CancellationToken cancellationToken);

    Task<IReadOnlyList<TokenView>> ListTokensAsync(CancellationToken cancellationToken);

    Task RevokeTokenAsync(string id, CancellationToken cancellationToken);

    /// <summary>Uses up one use of the token and makes a node; refuses with <c>token-invalid</c>.</summary>
    Task<EnrolReply> EnrolAsync(EnrolRequest request, CancellationToken cancellationToken);

    [AlwaysInterleave]
    Task<IReadOnlyList<NodeEntry>> ListNodesAsync(CancellationToken cancellationToken);

    /// <summary>How many there are.</summary>
    [AlwaysInterleave]
    Task<int> CountNodesAsync(CancellationToken cancellationToken);

    /// <summary>What is known of an enrolled node; null where there is none of that id.</summary>
    [AlwaysInterleave]
    Task<NodeRegistration?> FindNodeAsync(string nodeId, CancellationToken cancellationToken);
}
