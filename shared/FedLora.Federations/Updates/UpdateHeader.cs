using FedLora.Privacy.Ledger;

namespace FedLora.Federations.Updates;

/// <summary>What a node says of the update it uploads.</summary>
public sealed record UpdateHeader
{
    public required string Federation { get; init; }

    public required int Round { get; init; }

    public required int Attempt { get; init; }

    public required string NodeId { get; init; }

    /// <summary>SHA-256 (hex) of the uploaded bytes.</summary>
    public required string Sha256 { get; init; }

    public required long Bytes { get; init; }

    public BlobEncoding Encoding { get; init; }

    /// <summary>Training examples behind the update; 0 under privacy, where the count is private.</summary>
    public long ExampleCount { get; init; }

    /// <summary>Optimiser steps done.</summary>
    public int Steps { get; init; }

    /// <summary>Mean over the local steps; null under privacy.</summary>
    public double? Loss { get; init; }

    /// <summary>Required exactly when the federation has privacy terms.</summary>
    public LedgerReceipt? Receipt { get; init; }

    public double TrainSeconds { get; init; }
}

/// <summary>How a blob's bytes hold tensors.</summary>
public enum BlobEncoding
{
    /// <summary>safetensors, float32, PEFT's tensor names in ordinal order.</summary>
    Safetensors,

    /// <summary>The sparse codec.</summary>
    Sparse,
}

/// <summary>A stored update.</summary>
public sealed record StoredUpdate
{
    public required UpdateHeader Header { get; init; }

    /// <summary>Examples that it counts for, at least 1.</summary>
    public required long Weight { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Rank of the node's factors.</summary>
    public required int Rank { get; init; }
}
