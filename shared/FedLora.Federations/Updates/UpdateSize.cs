using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using FedLora.Adapters;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Updates;

/// <summary>What a node's update holds, and how large it may be.</summary>
public static class UpdateSize
{
    /// <summary>What an update's safetensors header may be longer than ours, bytes.</summary>
    public const int HeaderSlack = 1 << 16;

    // Asked for every update of thousands; a definition does not change.
    private static readonly ConditionalWeakTable<FederationDefinition, ConcurrentDictionary<(Factors, int), (long, long)>> Known = [];

    /// <summary>The factors that a node of that rank sends in that round, with their shapes.</summary>
    public static IReadOnlyList<(string Name, int[] Shape)> Expected(FederationDefinition definition, int round, int rank) =>
        [.. definition.LayoutOf(rank).Tensors(definition.SentFactors(round))];

    /// <summary>How many numbers a node of that rank sends in that round, and their length as our own safetensors file, bytes.</summary>
    public static (long Numbers, long Bytes) Of(FederationDefinition definition, int round, int rank) =>
        Known.GetOrCreateValue(definition).GetOrAdd((definition.SentFactors(round), rank), _ =>
        {
            var tensors = Expected(definition, round, rank);
            return (tensors.Sum(tensor => (long)AdapterTensor.Count(tensor.Shape)), SafetensorsWriter.FileLength(tensors));
        });

    /// <summary>Largest file that an update may be, bytes.</summary>
    public static long Max(FederationDefinition definition, int round, int rank) => Of(definition, round, rank).Bytes + HeaderSlack;
}
