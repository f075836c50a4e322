using Microsoft.Extensions.Logging;

namespace FedLora.Grains;

/// <summary>Stored state of the registry.</summary>
[GenerateSerializer]
public sealed class RegistryRecord
{
    [Id(0)] public Dictionary<string, TokenRecord> Tokens { get; set; } = [];

    /// <summary>By node id.</summary>
    [Id(1)] public Dictionary<string, NodeRegistration> Nodes { get; set; } = [];

    /// <summary>By name.</summary>
    [Id(2)] public Dictionary<string, FederationEntry> Federations { get; set; } = [];
}

/// <summary>A join token, without its secret.</summary>
[GenerateSerializer, Immutable]
public sealed record TokenRecord
{
    [Id(0)] public required string Hash { get; init; }

    [Id(1)] public required string Note { get; init; }

    [Id(2)] public required DateTimeOffset ExpiresAt { get; init; }

    [Id(3)] public required int UsesLeft { get; init; }

    /// <summary>The only name that a node may enrol under; empty: any.</summary>
    [Id(4)] public string Name { get; init; } = "";
}

/// <summary>An enrolled node.</summary>
[GenerateSerializer, Immutable]
public sealed record NodeRegistration
{
    [Id(0)] public required string Name { get; init; }

    /// <summary>The enrolment request that made it; the same request again is the same node.</summary>
    [Id(1)] public required string RequestId { get; init; }

    /// <summary>Hash of the join token that it came with.</summary>
    [Id(2)] public required string TokenHash { get; init; }

    [Id(3)] public string Group { get; init; } = "";

    /// <summary>SHA-256 (hex) of the credential that was first given; the node's own record has the present one.</summary>
    [Id(4)] public string CredentialHash { get; init; } = "";
}

/// <summary>The list of nodes, federations and join tokens.</summary>
[KeepAlive]
public sealed class RegistryGrain([PersistentState("registry")] IPersistentState<RegistryRecord> registry, TimeProvider time, ILogger<RegistryGrain> log) : Grain, IRegistryGrain
{
    private static readonly TimeSpan LongestToken = TimeSpan.FromDays(365);

    private RegistryRecord State => registry.State;

    public async Task<IssuedToken> CreateTokenAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        if (request.Uses is < 1 or > 100_000 || request.Lifetime <= TimeSpan.Zero || request.Lifetime > LongestToken)
            throw new RefusedException(RefusalCodes.TokenInvalid, "A join token has 1 to 100000 uses and lives for at most a year.", "Use --uses and --hours.");
        var now = time.GetUtcNow();
        foreach (var old in State.Tokens.Where(token => token.Value.ExpiresAt <= now || token.Value.UsesLeft == 0).Select(token => token.Key).ToList())
            State.Tokens.Remove(old);
        var (id, secret) = (Guid.NewGuid().ToString("N")[..12], Secrets.New());
        State.Tokens[id] = new() { Hash = Secrets.Hash(secret), Note = request.Note, ExpiresAt = now + request.Lifetime, UsesLeft = request.Uses, Name = request.Name };
        await this.StoreAsync(registry);
        return new() { Id = id, Token = secret, ExpiresAt = now + request.Lifetime, Uses = request.Uses };
    }

    public Task<IReadOnlyList<TokenView>> ListTokensAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<TokenView>>(State.Tokens
            .Select(token => new TokenView { Id = token.Key, Note = token.Value.Note, ExpiresAt = token.Value.ExpiresAt, UsesLeft = token.Value.UsesLeft }).ToArray());

    public async Task RevokeTokenAsync(string id, CancellationToken cancellationToken)
    {
        if (State.Tokens.Remove(id))
            await this.StoreAsync(registry);
    }

    public async Task<EnrolReply> EnrolAsync(EnrolRequest request, CancellationToken cancellationToken)
    {
        if (!NodeName.IsValid(request.Name))
            throw new RefusedException(RefusalCodes.NodeName, $"'{request.Name}' cannot be a node's name.", NodeName.Rule);
        var hash = Secrets.Hash(request.Token);
        var credential = request.Credential.Length > 0 ? request.Credential : Secrets.New();
        // The same request again: its reply was lost. The token's use is already counted.
        var again = State.Nodes.FirstOrDefault(node => node.Value.RequestId == request.RequestId && node.Value.TokenHash == hash && node.Value.Name == request.Name);
        var id = again.Key ?? await AdmitAsync(request, hash, Secrets.Hash(credential));
        // Not the caller's token: the node is listed by now. Where this fails all the same, its grain makes up for it when it is first asked.
        await GrainFactory.GetGrain<INodeGrain>(id).EnrolAsync(request.Name, request.Group, Secrets.Hash(credential), CancellationToken.None);
        log.Enrolled(id, request.Name);
        return new() { NodeId = id, Credential = credential };
    }

    public Task<IReadOnlyList<NodeEntry>> ListNodesAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<NodeEntry>>(
        State.Nodes.Select(node => new NodeEntry { NodeId = node.Key, Name = node.Value.Name }).OrderBy(node => node.Name, StringComparer.Ordinal).ToArray());

    public Task<int> CountNodesAsync(CancellationToken cancellationToken) => Task.FromResult(State.Nodes.Count);

    public Task<NodeRegistration?> FindNodeAsync(string nodeId, CancellationToken cancellationToken) => Task.FromResult(State.Nodes.GetValueOrDefault(nodeId));

    public async Task RequireFreeAsync(string name, CancellationToken cancellationToken)
    {
        if (!State.Federations.ContainsKey(name) && await CreatedBeforeAsync(Federation(name), cancellationToken) is { } view)
            await ListAsync(view);
        if (State.Federations.ContainsKey(name))
            throw new RefusedException(RefusalCodes.FederationExists, $"There is a federation '{name}' already.", "Choose another name.");
    }

    public async Task<FederationView> AddFederationAsync(FederationDefinition definition, AdapterRef adapter, NodePrivacy[] privacy, CancellationToken cancellationToken)
    {
        await RequireFreeAsync(definition.Name, cancellationToken);
        // Not the caller's token: it is there and listed, or neither.
        var view = await Federation(definition.Name).CreateAsync(definition, adapter, privacy, CancellationToken.None);
        await ListAsync(view);
        return view;
    }

    public Task<IReadOnlyList<FederationEntry>> ListFederationsAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<FederationEntry>>(State.Federations.Values.OrderBy(entry => entry.Name, StringComparer.Ordinal).ToArray());

    public async Task NoteFederationAsync(string name, FederationState state, CancellationToken cancellationToken)
    {
        if (!State.Federations.TryGetValue(name, out var entry) || entry.State == state)
            return;
        State.Federations[name] = entry with { State = state };
        await this.StoreAsync(registry);
    }

    private async Task ListAsync(FederationView view)
    {
        State.Federations[view.Definition.Name] = new() { Name = view.Definition.Name, State = view.State, CreatedAt = view.CreatedAt };
        await this.StoreAsync(registry);
    }

    private IFederationGrain Federation(string name) => GrainFactory.GetGrain<IFederationGrain>(name);

    private async Task<string> AdmitAsync(EnrolRequest request, string hash, string credentialHash)
    {
        var (tokenId, token) = State.Tokens.FirstOrDefault(candidate => candidate.Value.Hash == hash);
        if (token is null || token.ExpiresAt <= time.GetUtcNow() || token.UsesLeft < 1)
            throw new RefusedException(RefusalCodes.TokenInvalid, "The join token is unknown, used up or expired.", "Ask the operator for a new one ('fedlora admin token create').");
        if (token.Name.Length > 0 && token.Name != request.Name)
            throw new RefusedException(RefusalCodes.TokenInvalid, $"The join token is for a node named '{token.Name}', not '{request.Name}'.", "Start the node with --name, or ask for another token.");
        if (State.Nodes.Values.Any(node => node.Name == request.Name))
            throw new RefusedException(RefusalCodes.NodeExists, $"There is a node '{request.Name}' already.", "Choose another name.");
        var id = Guid.NewGuid().ToString("N");
        State.Nodes[id] = new() { Name = request.Name, RequestId = request.RequestId, TokenHash = hash, Group = request.Group, CredentialHash = credentialHash };
        State.Tokens[tokenId] = token with { UsesLeft = token.UsesLeft - 1 };
        await this.StoreAsync(registry);
        return id;
    }

    // Killed between the federation's write and the registry's: it is there, but not listed.
    private static async Task<FederationView?> CreatedBeforeAsync(IFederationGrain grain, CancellationToken cancellationToken)
    {
        try
        {
            return await grain.GetAsync(cancellationToken);
        }
        catch (RefusedException refusal) when (refusal.Code == RefusalCodes.FederationUnknown)
        {
            return null;
        }
    }
}

internal static partial class RegistryLog
{
    [LoggerMessage(1, LogLevel.Information, "Node {Name} enrolled as {Node}.")]
    public static partial void Enrolled(this ILogger logger, string node, string name);
}
