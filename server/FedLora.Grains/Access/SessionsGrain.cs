namespace FedLora.Grains.Access;

/// <summary>Stored state of <see cref="SessionsGrain"/>: by hash of code or secret.</summary>
public sealed class SessionsRecord
{
    public Dictionary<string, RoleUntil> Links { get; set; } = [];

    public Dictionary<string, RoleUntil> Sessions { get; set; } = [];
}

/// <summary>A role for a while.</summary>
/// <param name="Role">What it may do.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="Giver">Who gave it; empty: it was stored before this was noted.</param>
public sealed record RoleUntil(string Role, DateTimeOffset ExpiresAt, string Giver = "");

/// <inheritdoc cref="ISessionsGrain"/>
public sealed class SessionsGrain([PersistentState("sessions")] IPersistentState<SessionsRecord> stored, TimeProvider time)
    : Grain, ISessionsGrain
{
    /// <summary>How long a session lasts.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    public async Task<IssuedLink> IssueAsync(string role, string giver, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        if (lifetime < Shortest || lifetime > Longest)
            throw new RefusedException(RefusalCodes.LinkInvalid, "A link to the dashboard is good for one minute to one day.",
                "Use --minutes 1 to 1440.");
        Forget();
        var (code, until) = (Secrets.New(), time.GetUtcNow() + lifetime);
        stored.State.Links[Secrets.Hash(code)] = new(role, until, giver);
        await this.StoreAsync(stored);
        return new() { Code = code, ExpiresAt = until };
    }

    public async Task<OpenedSession> OpenAsync(string code, CancellationToken cancellationToken)
    {
        Forget();
        if (!stored.State.Links.Remove(Secrets.Hash(code), out var link) || await IsGiverGoneAsync(link, cancellationToken))
            throw new RefusedException(RefusalCodes.LinkInvalid, "This link has been used, or its time is over.",
                "Ask the operator for a new one: fedlora admin dashboard-link.");
        var (secret, until) = (Secrets.New(), time.GetUtcNow() + Lifetime);
        stored.State.Sessions[Secrets.Hash(secret)] = new(link.Role, until, link.Giver);
        await this.StoreAsync(stored);
        return new() { Secret = secret, Role = link.Role, ExpiresAt = until };
    }

    public async Task<string?> RoleOfAsync(string secret, CancellationToken cancellationToken) =>
        stored.State.Sessions.TryGetValue(Secrets.Hash(secret), out var session) && session.ExpiresAt > time.GetUtcNow()
            && !await IsGiverGoneAsync(session, cancellationToken) ? session.Role : null;

    public async Task CloseAsync(string secret, CancellationToken cancellationToken)
    {
        Forget();
        if (stored.State.Sessions.Remove(Secrets.Hash(secret)))
            await this.StoreAsync(stored);
    }

    // Asked at every use: nothing that a revocation would have to remember to end.
    private Task<bool> IsGiverGoneAsync(RoleUntil given, CancellationToken cancellationToken) =>
        GrainFactory.GetGrain<IAccessGrain>(IAccessGrain.Key).IsRevokedAsync(given.Giver, cancellationToken);

    private void Forget()
    {
        var now = time.GetUtcNow();
        foreach (var old in (Dictionary<string, RoleUntil>[])[stored.State.Links, stored.State.Sessions])
        {
            foreach (var key in old.Where(entry => entry.Value.ExpiresAt <= now).Select(entry => entry.Key).ToList())
                old.Remove(key);
        }
    }
}
