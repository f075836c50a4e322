namespace FedLora.Grains.Nodes;

/// <summary>When a node was last heard of. Kept apart from its identity: it is written often, and may be lost.</summary>
[GenerateSerializer]
public sealed class PresenceRecord
{
    [Id(0)] public DateTimeOffset? LastSeen { get; set; }

    [Id(1)] public Traffic? Traffic { get; set; }

    /// <summary>How many tasks it was given, by federation.</summary>
    [Id(2)] public Dictionary<string, int> Tasks { get; set; } = [];
}
