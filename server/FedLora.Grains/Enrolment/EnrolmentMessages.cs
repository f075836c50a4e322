namespace FedLora.Grains.Enrolment;

/// <summary>What a join token may be used for.</summary>
[GenerateSerializer, Immutable]
public sealed record TokenRequest
{
    /// <summary>How many nodes may enrol with it; 1 = one-time.</summary>
    [Id(0)] public int Uses { get; init; } = 1;

    [Id(1)] public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>For the operator's list.</summary>
    [Id(2)] public string Note { get; init; } = "";

    /// <summary>The only name that a node may enrol under; empty: any.</summary>
    [Id(3)] public string Name { get; init; } = "";
}

/// <summary>A new join token. It is shown once; the coordinator keeps its hash.</summary>
[GenerateSerializer, Immutable]
public sealed record IssuedToken
{
    [Id(0)] public required string Id { get; init; }

    [Id(1)] public required string Token { get; init; }

    [Id(2)] public required DateTimeOffset ExpiresAt { get; init; }

    [Id(3)] public required int Uses { get; init; }
}

/// <summary>A join token that can still be used, as operators see it.</summary>
[GenerateSerializer, Immutable]
public sealed record TokenView
{
    [Id(0)] public required string Id { get; init; }

    [Id(1)] public string Note { get; init; } = "";

    [Id(2)] public required DateTimeOffset ExpiresAt { get; init; }

    [Id(3)] public required int UsesLeft { get; init; }

    /// <summary><c>operator</c> or <c>auditor</c>; empty: a node.</summary>
    [Id(4)] public string Role { get; init; } = "";

    /// <summary>The only name that it lets in; empty: any.</summary>
    [Id(5)] public string Name { get; init; } = "";
}

/// <summary>A node that wants in.</summary>
[GenerateSerializer, Immutable]
public sealed record EnrolRequest
{
    /// <summary>The join token.</summary>
    [Id(0)] public required string Token { get; init; }

    /// <summary>Name for people, 1-64 characters of a-z, 0-9, '-', '.'; unique.</summary>
    [Id(1)] public required string Name { get; init; }

    /// <summary>Ranks and densities may be set per group; empty: none.</summary>
    [Id(2)] public string Group { get; init; } = "";

    /// <summary>
    /// Chosen by the node once, random, 32 hex digits: the same request again gives the same identity, though not the same credential.
    /// </summary>
    [Id(3)] public required string RequestId { get; init; }

    /// <summary>What the node will show: of its certificate the key. Empty: a secret is made for it.</summary>
    [Id(4)] public string Credential { get; init; } = "";
}

/// <summary>An enrolled node's identity. The credential is shown once; the coordinator keeps its hash.</summary>
[GenerateSerializer, Immutable]
public sealed record EnrolReply
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required string Credential { get; init; }
}

/// <summary>A line of the list of nodes.</summary>
[GenerateSerializer, Immutable]
public sealed record NodeEntry
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public string Group { get; init; } = "";
}
