using FedLora.Adapters;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Updates;

/// <summary>What a node's update holds, and how large it may be.</summary>
public static class UpdateSize
{
    /// <summary>What an update's safetensors header may be longer than ours, bytes.</summary>
    public const int HeaderSlack = 1 << 16;

    /// <summary>The factors that a node of that rank sends in that round, with their shapes.</summary>
    public static IReadOnlyList<(string Name, int[] Shape)> Expected(FederationDefinition definition, int round, int rank) =>
        [.. definition.LayoutOf(rank).Tensors(definition.SentFactors(round))];

    /// <summary>Largest file that an update may be, bytes.</summary>
    public static long Max(FederationDefinition definition, int round, int rank) =>
        SafetensorsWriter.FileLength(Expected(definition, round, rank)) + HeaderSlack;
}
