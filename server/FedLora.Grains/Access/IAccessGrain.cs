using Orleans.Concurrency;

namespace FedLora.Grains.Access;

/// <summary>
/// The people (and programs) that hold an operator's or auditor's certificate, and the join tokens for them; the key is <see cref="Key"/>.
/// </summary>
public interface IAccessGrain : IGrainWithStringKey
{
    /// <summary>The key of the only one.</summary>
    const string Key = "access";

    /// <summary>Makes a one-time join token for a certificate of that role.</summary>
    Task<IssuedToken> CreateTokenAsync(AccessTokenRequest request, CancellationToken cancellationToken);

    /// <summary>Tokens that can still be used.</summary>
    [AlwaysInterleave, Repeatable]
    Task<IReadOnlyList<TokenView>> ListTokensAsync(CancellationToken cancellationToken);

    /// <summary>Takes back a token that nobody has used; whether it was there.</summary>
    Task<bool> RevokeTokenAsync(string id, CancellationToken cancellationToken);

    /// <summary>Whom a token is for, used up or not; null where it is none of these. Uses nothing up.</summary>
    [AlwaysInterleave, Repeatable]
    Task<AccessTokenRecord?> FindTokenAsync(string token, CancellationToken cancellationToken);

    /// <summary>
    /// Uses the token up and lists its holder; null where the token is none of these. The same request again is the same holder.
    /// </summary>
    [Repeatable]
    Task<AccessEntry?> EnrolAsync(AccessRequest request, CancellationToken cancellationToken);

    /// <summary>Lists a holder that the coordinator itself has made; its key replaces the one of before. The same key again changes
    /// nothing: who was revoked stays so.</summary>
    [Repeatable]
    Task KeepAsync(AccessEntry entry, CancellationToken cancellationToken);

    /// <summary>The holder of a key. Refuses (<c>access-unknown</c>, <c>access-revoked</c>).</summary>
    [AlwaysInterleave, Repeatable]
    Task<AccessEntry> AuthenticateAsync(string id, string keyHash, CancellationToken cancellationToken);

    /// <summary>Whether the access of this id has been taken away; false where it never had any.</summary>
    [AlwaysInterleave, Repeatable]
    Task<bool> IsRevokedAsync(string id, CancellationToken cancellationToken);

    [AlwaysInterleave, Repeatable]
    Task<IReadOnlyList<AccessEntry>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Takes the access of an id, or of all of one name, away, at once. Refuses (<c>access-unknown-name</c>).</summary>
    [Repeatable]
    Task<IReadOnlyList<AccessEntry>> RevokeAsync(string idOrName, CancellationToken cancellationToken);
}
