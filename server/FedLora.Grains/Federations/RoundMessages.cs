namespace FedLora.Grains.Federations;

/// <summary>What a node is asked to do.</summary>
[GenerateSerializer, Immutable]
public sealed record TrainingTask
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required int Attempt { get; init; }

    /// <summary>The global adapter to start from.</summary>
    [Id(3)] public required AdapterRef Adapter { get; init; }

    /// <summary>Products of earlier rounds to fold into the base weights, in this order.</summary>
    [Id(4)] public IReadOnlyList<AdapterRef> Fold { get; init; } = [];

    [Id(5)] public required FederationDefinition Definition { get; init; }

    [Id(6)] public required DateTimeOffset Deadline { get; init; }

    /// <summary>This node's rank.</summary>
    [Id(7)] public required int Rank { get; init; }

    /// <summary>This node's densities, 1 = dense.</summary>
    [Id(8)] public required double DensityDown { get; init; }

    [Id(9)] public required double DensityUp { get; init; }
}

/// <summary>What an update must look like; asked before the bytes are checked.</summary>
[GenerateSerializer, Immutable]
public sealed record UpdateExpectation
{
    [Id(0)] public required FederationDefinition Definition { get; init; }

    /// <summary>The global adapter that the node started from.</summary>
    [Id(1)] public required AdapterRef Adapter { get; init; }

    /// <summary>This node's rank.</summary>
    [Id(2)] public required int Rank { get; init; }

    [Id(3)] public required long MaxBytes { get; init; }

    /// <summary>True where this very update is stored already: acknowledge it again.</summary>
    [Id(4)] public bool AlreadyStored { get; init; }

    /// <summary>SHA-256 (hex) of another upload that the node has begun for the round: nobody will end it. Null: none.</summary>
    [Id(5)] public string? Abandoned { get; init; }
}

/// <summary>Result of computing a committed round again.</summary>
[GenerateSerializer, Immutable]
public sealed record ReplayResult
{
    [Id(0)] public required int Round { get; init; }

    /// <summary>SHA-256 (hex) that was committed.</summary>
    [Id(1)] public required string StoredSha256 { get; init; }

    /// <summary>SHA-256 (hex) of what the replay computed.</summary>
    [Id(2)] public required string ReplayedSha256 { get; init; }

    [Id(3)] public required double Milliseconds { get; init; }

    /// <summary>
    /// What came out otherwise than it was committed (adapter, fold, what the server's optimiser remembers): a line each; none where the
    /// round replays.
    /// </summary>
    [Id(4)] public IReadOnlyList<string> Differences { get; init; } = [];
}
