namespace FedLora.Grains.Enrolment;

/// <summary>Stored state of the enrolment.</summary>
[GenerateSerializer]
public sealed class EnrolmentRecord
{
    [Id(0)] public Dictionary<string, TokenRecord> Tokens { get; set; } = [];

    /// <summary>By node id.</summary>
    [Id(1)] public Dictionary<string, NodeRegistration> Nodes { get; set; } = [];

    /// <summary>
    /// Names that nodes had before, and whose they were: finished rounds, logs and files of federations still speak of them.
    /// </summary>
    [Id(2)] public Dictionary<string, string> FormerNames { get; set; } = [];
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
