namespace FedLora.Federations.Rounds;

/// <summary>An adapter in the blob store.</summary>
public sealed record AdapterRef
{
    /// <summary>SHA-256 (64 hex digits) of its canonical safetensors bytes, which is also the blob's name.</summary>
    public required string Sha256 { get; init; }

    public required long Bytes { get; init; }
}

/// <summary>What the server's optimiser remembers between rounds.</summary>
public sealed record OptimizerMemory
{
    public required int Step { get; init; }

    public required AdapterRef Mean { get; init; }

    /// <summary>Root of the running mean of the squares; null in what was stored up to format 1.</summary>
    public AdapterRef? Root { get; init; }

    /// <summary>Format 1 had the squares themselves.</summary>
    public AdapterRef? Square { get; init; }

    /// <summary>All blobs that it names.</summary>
    public IEnumerable<AdapterRef> Blobs() => new[] { Mean, Root, Square }.OfType<AdapterRef>();
}
