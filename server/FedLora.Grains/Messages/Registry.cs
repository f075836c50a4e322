namespace FedLora.Grains;

/// <summary>What a join token may be used for.</summary>
[GenerateSerializer, Immutable]
public sealed record TokenRequest
{
    /// <summary>How many nodes may enrol with it; 1 = one-time.</summary>
    [Id(0)] public int Uses { get; init; } = 1;

    [Id(1)] public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>For the operator's list.</summary>
    [Id(2)] public string Note { get; init; } = "";
}

/// <summary>A new join token. The secret is shown once; the coordinator keeps its hash.</summary>
[GenerateSerializer, Immutable]
public sealed record IssuedToken
{
    [Id(0)] public required string Id { get; init; }

    [Id(1)] public required string Secret { get; init; }

    [Id(2)] public required DateTimeOffset ExpiresAt { get; init; }

    [Id(3)] public required int Uses { get; init; }
}

/// <summary>A join token as operators see it.</summary>
[GenerateSerializer, Immutable]
public sealed record TokenView
{
    [Id(0)] public required string Id { get; init; }

    [Id(1)] public string Note { get; init; } = "";

    [Id(2)] public required DateTimeOffset ExpiresAt { get; init; }

    [Id(3)] public required int UsesLeft { get; init; }
}

/// <summary>A node that wants in.</summary>
[GenerateSerializer, Immutable]
public sealed record EnrolRequest
{
    /// <summary>The join token's secret.</summary>
    [Id(0)] public required string Token { get; init; }

    /// <summary>Name for people, 1-64 characters of letters, digits, '-', '_', '.'.</summary>
    [Id(1)] public required string Name { get; init; }
}

/// <summary>An enrolled node's identity. The secret is shown once; the coordinator keeps its hash.</summary>
[GenerateSerializer, Immutable]
public sealed record Enrolment
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required string Secret { get; init; }
}

/// <summary>A line of the list of federations.</summary>
[GenerateSerializer, Immutable]
public sealed record FederationEntry
{
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required FederationStatus Status { get; init; }

    [Id(2)] public required DateTimeOffset CreatedAt { get; init; }
}
