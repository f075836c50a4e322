namespace FedLora.Grains.Federations;

/// <summary>A view and its version; the version grows with every change.</summary>
[GenerateSerializer, Immutable]
public sealed record VersionedView
{
    [Id(0)] public required long Version { get; init; }

    [Id(1)] public required FederationView View { get; init; }
}
