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

    public required AdapterRef Square { get; init; }
}
