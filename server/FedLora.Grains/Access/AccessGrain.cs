namespace FedLora.Grains.Access;

/// <summary>Stored state of <see cref="IAccessGrain"/>.</summary>
[GenerateSerializer]
public sealed class AccessRecord
{
    /// <summary>By the hash of the token's secret.</summary>
    [Id(0)] public Dictionary<string, AccessTokenRecord> Tokens { get; set; } = [];

    /// <summary>By id.</summary>
    [Id(1)] public Dictionary<string, AccessEntry> Holders { get; set; } = [];
}

/// <summary>A join token for an operator or auditor, without its secret.</summary>
[GenerateSerializer, Immutable]
public sealed record AccessTokenRecord
{
    [Id(0)] public required string Role { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Whom it has let in; null: nobody yet.</summary>
    [Id(3)] public string? UsedBy { get; init; }
}

/// <summary>Who operates and who audits.</summary>
[KeepAlive]
public sealed class AccessGrain([PersistentState("access")] IPersistentState<AccessRecord> access, TimeProvider time) : Grain, IAccessGrain
{
    private static readonly TimeSpan LongestToken = TimeSpan.FromDays(365);

    private AccessRecord State => access.State;

    public async Task<IssuedToken> CreateTokenAsync(AccessTokenRequest request, CancellationToken cancellationToken)
    {
        if (!NodeName.IsValid(request.Name))
            throw new RefusedException(RefusalCodes.NodeName, $"'{request.Name}' cannot be the name of an {request.Role}.", NodeName.Rule);
        if (request.Lifetime <= TimeSpan.Zero || request.Lifetime > LongestToken)
            throw new RefusedException(RefusalCodes.TokenInvalid, "A join token lives for at most a year.", "Use --hours.");
        var now = time.GetUtcNow();
        foreach (var old in State.Tokens.Where(token => token.Value.ExpiresAt <= now).Select(token => token.Key).ToList())
            State.Tokens.Remove(old);
        var secret = Secrets.New();
        State.Tokens[Secrets.Hash(secret)] = new() { Role = request.Role, Name = request.Name, ExpiresAt = now + request.Lifetime };
        await this.StoreAsync(access);
        return new() { Id = IdOf(Secrets.Hash(secret)), Token = secret, ExpiresAt = now + request.Lifetime, Uses = 1 };
    }

    public Task<IReadOnlyList<TokenView>> ListTokensAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<TokenView>>(State.Tokens.Where(token => IsOpen(token.Value)).Select(token => new TokenView
        {
            Id = IdOf(token.Key),
            Role = token.Value.Role,
            Name = token.Value.Name,
            ExpiresAt = token.Value.ExpiresAt,
            UsesLeft = 1,
        }).ToArray());

    public async Task<bool> RevokeTokenAsync(string id, CancellationToken cancellationToken)
    {
        // One that was used stays known: its holder may ask again whose answer was lost.
        var found = State.Tokens.FirstOrDefault(token => token.Value.UsedBy is null && IdOf(token.Key) == id).Key;
        if (found is null)
            return false;
        State.Tokens.Remove(found);
        await this.StoreAsync(access);
        return true;
    }

    public Task<AccessTokenRecord?> FindTokenAsync(string token, CancellationToken cancellationToken) =>
        Task.FromResult(State.Tokens.GetValueOrDefault(Secrets.Hash(token)));

    public async Task<AccessEntry?> EnrolAsync(AccessRequest request, CancellationToken cancellationToken)
    {
        if (!State.Tokens.TryGetValue(Secrets.Hash(request.Token), out var token))
            return null;
        // The same key again: its reply was lost.
        if (token.UsedBy is { } before && State.Holders.TryGetValue(before, out var known) && known.KeyHash == request.KeyHash)
            return known;
        if (!IsOpen(token))
            throw new RefusedException(RefusalCodes.TokenInvalid, "The join token is used up or expired.",
                "Ask an operator for a new one ('fedlora admin token create').");
        var entry = new AccessEntry
        {
            Id = Guid.NewGuid().ToString("N"),
            Name = token.Name,
            Role = token.Role,
            KeyHash = request.KeyHash,
            Since = time.GetUtcNow(),
        };
        State.Holders[entry.Id] = entry;
        State.Tokens[Secrets.Hash(request.Token)] = token with { UsedBy = entry.Id };
        await this.StoreAsync(access);
        return entry;
    }

    public async Task KeepAsync(AccessEntry entry, CancellationToken cancellationToken)
    {
        if (State.Holders.TryGetValue(entry.Id, out var known) && known.KeyHash == entry.KeyHash)
            return;
        State.Holders[entry.Id] = entry with { Since = time.GetUtcNow() };
        await this.StoreAsync(access);
    }

    public Task<AccessEntry> AuthenticateAsync(string id, string keyHash, CancellationToken cancellationToken)
    {
        if (!State.Holders.TryGetValue(id, out var entry) || entry.KeyHash != keyHash)
            throw new RefusedException(RefusalCodes.AccessUnknown, $"Nobody of the id '{id}' and with this key has access here.",
                "Join again with a new token ('fedlora admin join').");
        return entry.Revoked
            ? throw new RefusedException(RefusalCodes.AccessRevoked, $"The access of '{entry.Name}' has been revoked.",
                "Ask an operator of the coordinator.")
            : Task.FromResult(entry);
    }

    public Task<bool> IsRevokedAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult(State.Holders.TryGetValue(id, out var entry) && entry.Revoked);

    public Task<IReadOnlyList<AccessEntry>> ListAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<AccessEntry>>(State.Holders.Values.OrderBy(entry => entry.Name, StringComparer.Ordinal).ToArray());

    public async Task<IReadOnlyList<AccessEntry>> RevokeAsync(string idOrName, CancellationToken cancellationToken)
    {
        // By id first: somebody may be named like another's id.
        var found = State.Holders.TryGetValue(idOrName, out var entry) ? [entry]
            : State.Holders.Values.Where(holder => holder.Name == idOrName).ToList();
        if (found.Count == 0)
            throw new RefusedException(RefusalCodes.AccessUnknownName, $"Nobody is known as '{idOrName}' here.",
                "See 'fedlora admin access list'.");
        foreach (var holder in found)
            State.Holders[holder.Id] = holder with { Revoked = true };
        await this.StoreAsync(access);
        foreach (var holder in found)
            await GrainFactory.GetGrain<IRevocationGrain>(IRevocationGrain.Key).NoteAsync(holder.Id, CancellationToken.None);
        return found.ConvertAll(holder => State.Holders[holder.Id]);
    }

    private bool IsOpen(AccessTokenRecord token) => token.UsedBy is null && token.ExpiresAt > time.GetUtcNow();

    private static string IdOf(string hash) => hash[..12];
}
