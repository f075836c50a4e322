namespace FedLora.Grains.Registry;

/// <summary>A line of the list of federations.</summary>
[GenerateSerializer, Immutable]
public sealed record FederationEntry
{
    [Id(0)] public required string Name { get; init; }

    [Id(1)] public required FederationState State { get; init; }

    [Id(2)] public required DateTimeOffset CreatedAt { get; init; }
}
