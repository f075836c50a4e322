namespace FedLora.Grains;

/// <summary>A view and its version; the version grows with every change, also across restarts of the coordinator.</summary>
[GenerateSerializer, Immutable]
public sealed record VersionedView
{
    [Id(0)] public required long Version { get; init; }

    [Id(1)] public required FederationView View { get; init; }
}

/// <summary>Answer of a federation to a node's poll: a task, or why there is none.</summary>
[GenerateSerializer, Immutable]
public sealed record CheckInReply
{
    [Id(0)] public RoundTask? Task { get; init; }

    [Id(1)] public Notice? Notice { get; init; }
}

/// <summary>How a background aggregation ended.</summary>
[GenerateSerializer, Immutable]
public sealed record AggregationOutcome
{
    [Id(0)] public required int Round { get; init; }

    [Id(1)] public required int Attempt { get; init; }

    /// <summary>SHA-256 (hex) of the new global adapter, already durable in the blob store; null where it failed.</summary>
    [Id(2)] public string? Adapter { get; init; }

    [Id(3)] public long AdapterBytes { get; init; }

    /// <summary>What went wrong; empty otherwise.</summary>
    [Id(4)] public string Error { get; init; } = "";
}
