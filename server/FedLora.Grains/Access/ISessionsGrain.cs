using Orleans.Concurrency;

namespace FedLora.Grains.Access;

/// <summary>
/// Who may look at the dashboard: one-time links and the sessions that they opened; the key is <see cref="Key"/>. Secrets are kept as
/// hashes.
/// </summary>
public interface ISessionsGrain : IGrainWithStringKey
{
    /// <summary>The key of the only one.</summary>
    const string Key = "sessions";

    /// <summary>Makes a one-time code for somebody of a role.</summary>
    /// <param name="role">What the session may do.</param>
    /// <param name="giver">The id of who makes it: code and session hold no longer than this one's access.</param>
    /// <param name="lifetime">How long the code can be used, one minute to one day; refuses with <c>link-invalid</c>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<IssuedLink> IssueAsync(string role, string giver, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Uses a code up and opens a session; refuses with <c>link-invalid</c>.</summary>
    Task<OpenedSession> OpenAsync(string code, CancellationToken cancellationToken);

    /// <summary>
    /// The role of the session with this secret; null where there is none, or none any more: its time is over, or its giver's access has
    /// been revoked.
    /// </summary>
    [AlwaysInterleave, Repeatable]
    Task<string?> RoleOfAsync(string secret, CancellationToken cancellationToken);

    /// <summary>Ends the session, if there is one.</summary>
    [Repeatable]
    Task CloseAsync(string secret, CancellationToken cancellationToken);
}

/// <summary>A one-time code. It is shown once.</summary>
[GenerateSerializer, Immutable]
public sealed record IssuedLink
{
    [Id(0)] public required string Code { get; init; }

    [Id(1)] public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>A session that was just opened. Its secret is shown once.</summary>
[GenerateSerializer, Immutable]
public sealed record OpenedSession
{
    [Id(0)] public required string Secret { get; init; }

    [Id(1)] public required string Role { get; init; }

    [Id(2)] public required DateTimeOffset ExpiresAt { get; init; }
}
