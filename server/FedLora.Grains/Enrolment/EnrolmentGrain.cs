using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Enrolment;

/// <summary>Join tokens, and the nodes that were let in with them.</summary>
[KeepAlive]
public sealed class EnrolmentGrain(
    [PersistentState("enrolment")] IPersistentState<EnrolmentRecord> enrolment, TimeProvider time, ILogger<EnrolmentGrain> log) : Grain,
    IEnrolmentGrain
{
    private static readonly TimeSpan LongestToken = TimeSpan.FromDays(365);

    private EnrolmentRecord State => enrolment.State;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (enrolment.RecordExists)
            return;
        // A folder of before: the registry had them.
        var before = await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).EnrolmentBeforeAsync(cancellationToken);
        if (before.Tokens.Count + before.Nodes.Count == 0)
            return;
        enrolment.State = before;
        await this.StoreAsync(enrolment);
    }

    public async Task<IssuedToken> CreateTokenAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        if (request.Uses is < 1 or > 100_000 || request.Lifetime <= TimeSpan.Zero || request.Lifetime > LongestToken)
            throw new RefusedException(RefusalCodes.TokenInvalid, "A join token has 1 to 100000 uses and lives for at most a year.",
                "Use --uses and --hours.");
        var now = time.GetUtcNow();
        foreach (var old in State.Tokens.Where(token => !IsOpen(token.Value)).Select(token => token.Key).ToList())
            State.Tokens.Remove(old);
        var (id, secret) = (Guid.NewGuid().ToString("N")[..12], Secrets.New());
        State.Tokens[id] = new()
        {
            Hash = Secrets.Hash(secret),
            Note = request.Note,
            ExpiresAt = now + request.Lifetime,
            UsesLeft = request.Uses,
            Name = request.Name,
        };
        await this.StoreAsync(enrolment);
        return new() { Id = id, Token = secret, ExpiresAt = now + request.Lifetime, Uses = request.Uses };
    }

    public Task<IReadOnlyList<TokenView>> ListTokensAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<TokenView>>(State.Tokens.Where(token => IsOpen(token.Value))
            .Select(
                token =>
                    new TokenView
                    {
                        Id = token.Key,
                        Note = token.Value.Note,
                        Name = token.Value.Name,
                        ExpiresAt = token.Value.ExpiresAt,
                        UsesLeft = token.Value.UsesLeft,
                    }).ToArray());

    public async Task<bool> RevokeTokenAsync(string id, CancellationToken cancellationToken)
    {
        var isThere = State.Tokens.Remove(id);
        if (isThere)
            await this.StoreAsync(enrolment);
        return isThere;
    }

    public Task<bool> KnowsTokenAsync(string token, CancellationToken cancellationToken)
    {
        var hash = Secrets.Hash(token);
        return Task.FromResult(State.Tokens.Values.Any(known => known.Hash == hash));
    }

    public async Task<EnrolReply> EnrolAsync(EnrolRequest request, CancellationToken cancellationToken)
    {
        if (!NodeName.IsValid(request.Name))
            throw new RefusedException(RefusalCodes.NodeName, $"'{request.Name}' cannot be a node's name.", NodeName.Rule);
        var hash = Secrets.Hash(request.Token);
        var credential = request.Credential.Length > 0 ? request.Credential : Secrets.New();
        // The same request again: its reply was lost. The token's use is already counted.
        var again = State.Nodes.FirstOrDefault(
            node => node.Value.RequestId == request.RequestId && node.Value.TokenHash == hash
                && (node.Value.Name == request.Name || State.FormerNames.GetValueOrDefault(request.Name) == node.Key));
        var id = again.Key ?? await AdmitAsync(request, hash, Secrets.Hash(credential));
        // Not the caller's token: the node is listed by now. Where this fails all the same, its grain makes up for it when it is first
        // asked.
        await GrainFactory.GetGrain<INodeGrain>(id)
            .EnrolAsync(State.Nodes[id].Name, request.Group, Secrets.Hash(credential), CancellationToken.None);
        return new() { NodeId = id, Credential = credential };
    }

    public async Task<NodeView> RenameNodeAsync(string nodeId, string name, CancellationToken cancellationToken)
    {
        if (!NodeName.IsValid(name))
            throw new RefusedException(RefusalCodes.NodeName, $"'{name}' cannot be a node's name.", NodeName.Rule);
        if (State.Nodes.GetValueOrDefault(nodeId) is not { } node)
            throw new RefusedException(RefusalCodes.NodeUnknown, $"There is no node '{nodeId}'.", "See: fedlora admin node list");
        if (node.Name != name)
        {
            RequireFree(name, nodeId, "Choose another name.");
            await RequireUncountedAsync(node.Name, cancellationToken);
            State.FormerNames.Remove(name);
            State.FormerNames[node.Name] = nodeId;
            State.Nodes[nodeId] = node with { Name = name };
            await this.StoreAsync(enrolment);
            log.Renamed(node.Name, name, nodeId);
        }

        return await GrainFactory.GetGrain<INodeGrain>(nodeId).RenameAsync(name, CancellationToken.None);
    }

    public async Task DeleteNodeAsync(string nodeId, bool forgetReceipts, CancellationToken cancellationToken)
    {
        var node = GrainFactory.GetGrain<INodeGrain>(nodeId);
        await node.RequireForgettableAsync(forgetReceipts, cancellationToken);
        // In this order: cut off in between it is a revoked node that is not listed. The other way round the list would bring it back.
        if (State.Nodes.Remove(nodeId))
        {
            foreach (var former in State.FormerNames.Where(known => known.Value == nodeId).Select(known => known.Key).ToList())
                State.FormerNames.Remove(former);
            await this.StoreAsync(enrolment);
        }

        await node.ForgetAsync(CancellationToken.None);
    }

    public Task<IReadOnlyList<NodeEntry>> ListNodesAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<NodeEntry>>(
        State.Nodes.Select(node => new NodeEntry { NodeId = node.Key, Name = node.Value.Name, Group = node.Value.Group })
            .OrderBy(node => node.Name, StringComparer.Ordinal).ToArray());

    public Task<int> CountNodesAsync(CancellationToken cancellationToken) => Task.FromResult(State.Nodes.Count);

    public Task<NodeRegistration?> FindNodeAsync(string nodeId, CancellationToken cancellationToken) =>
        Task.FromResult(State.Nodes.GetValueOrDefault(nodeId));

    private bool IsOpen(TokenRecord token) => token.UsesLeft > 0 && token.ExpiresAt > time.GetUtcNow();

    private void RequireFree(string name, string nodeId, string hint)
    {
        if (State.Nodes.Any(node => node.Value.Name == name && node.Key != nodeId))
            throw new RefusedException(RefusalCodes.NodeExists, $"There is a node '{name}' already.", hint);
        if (State.FormerNames.TryGetValue(name, out var whose) && whose != nodeId)
            throw new RefusedException(RefusalCodes.NodeExists,
                $"'{name}' was the name of the node '{State.Nodes.GetValueOrDefault(whose)?.Name}', and stays reserved for it.", hint);
    }

    // Node and coordinator look a count up by the node's name, each for itself.
    private async Task RequireUncountedAsync(string name, CancellationToken cancellationToken)
    {
        foreach (var entry in await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(cancellationToken))
        {
            if (entry.State is FederationState.Finished or FederationState.Stopped)
                continue;
            var federation = await GrainFactory.GetGrain<IFederationGrain>(entry.Name).GetAsync(cancellationToken);
            if (federation.Definition.PublicCounts.ContainsKey(name))
                throw new RefusedException(RefusalCodes.NodeNamed,
                    $"Federation '{entry.Name}' has '{name}' in its public_counts, and is not over.", "Rename the node when it is.");
        }
    }

    private async Task<string> AdmitAsync(EnrolRequest request, string hash, string credentialHash)
    {
        var (tokenId, token) = State.Tokens.FirstOrDefault(candidate => candidate.Value.Hash == hash);
        if (token is null || !IsOpen(token))
            throw new RefusedException(RefusalCodes.TokenInvalid, "The join token is unknown, used up or expired.",
                "Ask the coordinator's operator for a new one.");
        if (token.Name.Length > 0 && token.Name != request.Name)
            throw new RefusedException(RefusalCodes.TokenInvalid,
                $"The join token is for a node named '{token.Name}', not '{request.Name}'.",
                "Start the node with --name, or ask for another token.");
        RequireFree(request.Name, "", "Start this one with another --name (in its file: name).");
        var id = Guid.NewGuid().ToString("N");
        State.Nodes[id] = new()
        {
            Name = request.Name,
            RequestId = request.RequestId,
            TokenHash = hash,
            Group = request.Group,
            CredentialHash = credentialHash,
        };
        State.Tokens[tokenId] = token with { UsesLeft = token.UsesLeft - 1 };
        await this.StoreAsync(enrolment);
        return id;
    }
}
