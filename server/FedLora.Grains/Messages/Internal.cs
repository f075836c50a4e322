namespace FedLora.Grains;

/// <summary>A view and its version; the version grows with every change.</summary>
[GenerateSerializer, Immutable]
public sealed record VersionedView
{
    [Id(0)] public required long Version { get; init; }

    [Id(1)] public required FederationView View { get; init; }
}

/// <summary>A node that is there, as its grain tells a federation.</summary>
[GenerateSerializer, Immutable]
public sealed record NodePresence
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required string Group { get; init; }

    [Id(3)] public required NodeProfile Profile { get; init; }

    /// <summary>Why the node itself refuses this federation; empty if it does not.</summary>
    [Id(4)] public string Refused { get; init; } = "";
}

/// <summary>How a background aggregation ended.</summary>
[GenerateSerializer, Immutable]
public sealed record AggregationOutcome
{
    [Id(0)] public required int Round { get; init; }

    [Id(1)] public required int Attempt { get; init; }

    /// <summary>The new global adapter, already durable in the blob store; null where it failed.</summary>
    [Id(2)] public AdapterRef? Adapter { get; init; }

    /// <summary>What the round adds to the products to fold into the base weights; null: nothing.</summary>
    [Id(3)] public AdapterRef? Fold { get; init; }

    [Id(4)] public double Milliseconds { get; init; }

    /// <summary>What went wrong; empty otherwise.</summary>
    [Id(5)] public string Error { get; init; } = "";

    /// <summary>Relative error of the product; null where the method does not define it.</summary>
    [Id(6)] public double? AggregationError { get; init; }

    /// <summary>What the server's optimiser remembers after the round; null where there is none.</summary>
    [Id(7)] public OptimizerMemory? Optimizer { get; init; }
}
