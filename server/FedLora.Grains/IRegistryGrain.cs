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

    Task<IReadOnlyList<NodeEntry>> ListNodesAsync(CancellationToken cancellationToken);

    [ResponseTimeout("00:02:00")]
    Task<FederationView> CreateFederationAsync(FederationDefinition definition, string? initialAdapter, CancellationToken cancellationToken);

    Task<IReadOnlyList<FederationEntry>> ListFederationsAsync(CancellationToken cancellationToken);

    /// <summary>Called by a federation when its status changes.</summary>
    Task NoteFederationAsync(string name, FederationState state, CancellationToken cancellationToken);
}
