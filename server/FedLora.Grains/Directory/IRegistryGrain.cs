using Orleans.Concurrency;

namespace FedLora.Grains;

/// <summary>The coordinator's list of nodes, federations and join tokens; the key is <see cref="Key"/>.</summary>
public interface IRegistryGrain : IGrainWithStringKey
{
    /// <summary>The key of the only one.</summary>
    const string Key = "registry";

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

    /// <summary>Refuses with <c>federation-exists</c> where there is one.</summary>
    Task RequireFreeAsync(string name, CancellationToken cancellationToken);

    /// <summary>Stores and lists what <see cref="FederationCreator"/> has checked, calibrated and made.</summary>
    Task<FederationView> AddFederationAsync(FederationDefinition definition, AdapterRef adapter, NodePrivacy[] privacy, CancellationToken cancellationToken);

    [AlwaysInterleave]
    Task<IReadOnlyList<FederationEntry>> ListFederationsAsync(CancellationToken cancellationToken);

    /// <summary>Called by a federation when its status changes.</summary>
    Task NoteFederationAsync(string name, FederationState state, CancellationToken cancellationToken);
}
