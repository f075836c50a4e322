namespace FedLora.Grains.Registry;

/// <summary>Stored state of the registry.</summary>
[GenerateSerializer]
public sealed class RegistryRecord
{
    /// <summary>As coordinators of before kept them here; <see cref="EnrolmentGrain"/> has taken them over.</summary>
    [Id(0)] public Dictionary<string, TokenRecord> Tokens { get; set; } = [];

    /// <inheritdoc cref="Tokens"/>
    [Id(1)] public Dictionary<string, NodeRegistration> Nodes { get; set; } = [];

    /// <summary>By name.</summary>
    [Id(2)] public Dictionary<string, FederationEntry> Federations { get; set; } = [];
}
