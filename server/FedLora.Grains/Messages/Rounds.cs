namespace FedLora.Grains;

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

/// <summary>What a node says of the update it uploads.</summary>
[GenerateSerializer, Immutable]
public sealed record UpdateHeader
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required int Attempt { get; init; }

    [Id(3)] public required string NodeId { get; init; }

    /// <summary>SHA-256 (hex) of the uploaded bytes.</summary>
    [Id(4)] public required string Sha256 { get; init; }

    [Id(5)] public required long Bytes { get; init; }

    [Id(6)] public BlobEncoding Encoding { get; init; }

    /// <summary>Training examples behind the update; 0 under privacy, where the count is private.</summary>
    [Id(7)] public long ExampleCount { get; init; }

    /// <summary>Optimiser steps done.</summary>
    [Id(8)] public int Steps { get; init; }

    /// <summary>Mean over the local steps; null under privacy.</summary>
    [Id(9)] public double? Loss { get; init; }

    /// <summary>Required exactly when the federation has privacy terms.</summary>
    [Id(10)] public PrivacyReceipt? Receipt { get; init; }

    [Id(11)] public double TrainSeconds { get; init; }
}

/// <summary>How a blob's bytes hold tensors.</summary>
[GenerateSerializer]
public enum BlobEncoding
{
    /// <summary>safetensors, float32, PEFT's tensor names in ordinal order.</summary>
    Safetensors,

    /// <summary>The sparse codec.</summary>
    Sparse,
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
}

/// <summary>A stored update.</summary>
[GenerateSerializer, Immutable]
public sealed record StoredUpdate
{
    [Id(0)] public required UpdateHeader Header { get; init; }

    /// <summary>Examples that it counts for, at least 1.</summary>
    [Id(1)] public required long Weight { get; init; }

    [Id(2)] public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Rank of the node's factors.</summary>
    [Id(3)] public required int Rank { get; init; }
}

/// <summary>All inputs and the result of one committed round: enough to compute it again. Stored as a JSON blob.</summary>
[GenerateSerializer, Immutable]
public sealed record RoundRecord
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required int Attempt { get; init; }

    /// <summary>The global adapter before the round.</summary>
    [Id(3)] public required AdapterRef Before { get; init; }

    /// <summary>In node order (ordinal by id).</summary>
    [Id(4)] public required IReadOnlyList<StoredUpdate> Updates { get; init; }

    /// <summary>The global adapter after the round.</summary>
    [Id(5)] public required AdapterRef After { get; init; }

    /// <summary>What the round adds to the products to fold into the base weights; null: nothing.</summary>
    [Id(6)] public AdapterRef? Fold { get; init; }

    [Id(7)] public IReadOnlyList<string> Cohort { get; init; } = [];

    [Id(8)] public IReadOnlyList<ExcludedNode> Excluded { get; init; } = [];

    /// <summary>What the server's optimiser remembered before the round; null: nothing, or there is none.</summary>
    [Id(9)] public OptimizerMemory? Optimizer { get; init; }
}

/// <summary>What the server's optimiser remembers between rounds.</summary>
[GenerateSerializer, Immutable]
public sealed record OptimizerMemory
{
    [Id(0)] public required int Step { get; init; }

    [Id(1)] public required AdapterRef Mean { get; init; }

    [Id(2)] public required AdapterRef Root { get; init; }
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
}
