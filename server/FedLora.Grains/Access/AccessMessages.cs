namespace FedLora.Grains.Access;

/// <summary>A join token for an operator or auditor.</summary>
[GenerateSerializer, Immutable]
public sealed record AccessTokenRequest
{
    /// <summary><c>operator</c> or <c>auditor</c>.</summary>
    [Id(0)] public required string Role { get; init; }

    /// <summary>Whom it is for.</summary>
    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required TimeSpan Lifetime { get; init; }
}

/// <summary>Somebody who wants a certificate.</summary>
[GenerateSerializer, Immutable]
public sealed record AccessRequest
{
    [Id(0)] public required string Token { get; init; }

    /// <summary>SHA-256 (hex) of the public key.</summary>
    [Id(1)] public required string KeyHash { get; init; }
}

/// <summary>Who holds an operator's or auditor's certificate.</summary>
[GenerateSerializer, Immutable]
public sealed record AccessEntry
{
    /// <summary>32 hex digits; the certificate's subject.</summary>
    [Id(0)] public required string Id { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required string Role { get; init; }

    /// <summary>SHA-256 (hex) of the public key.</summary>
    [Id(3)] public required string KeyHash { get; init; }

    [Id(4)] public DateTimeOffset Since { get; init; }

    [Id(5)] public bool Revoked { get; init; }
}
