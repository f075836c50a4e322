using System.Globalization;
using FedLora.Adapters;

namespace FedLora.Client.Trainers;

/// <summary>
/// What a method leaves at the node from round to round (FedSA-LoRA's B): a file per round, so that a round that is trained again starts as
/// it did.
/// </summary>
public static class KeptFactors
{
    private const string Prefix = "kept-";

    /// <summary>What the last round before this one left; null if there was none.</summary>
    internal static AdapterState? Load(string folder, uint round) =>
        Rounds(folder).Where(kept => kept < round).DefaultIfEmpty(0u).Max() is > 0 and var last
            ? AdapterState.Load(PathOf(folder, last))
            : null;

    /// <summary>What the newest round left; null if nothing is kept.</summary>
    public static AdapterState? Newest(string folder) => Load(folder, uint.MaxValue);

    /// <summary>Keeps what this round leaves; of earlier rounds only the last stays.</summary>
    internal static void Save(string folder, uint round, AdapterState state)
    {
        if (state.Count == 0)
            return;
        state.Save(PathOf(folder, round));
        foreach (var old in Rounds(folder).Where(kept => kept < round).Order().SkipLast(1).ToList())
            File.Delete(PathOf(folder, old));
    }

    private static IEnumerable<uint> Rounds(string folder) => Directory.EnumerateFiles(folder, $"{Prefix}*")
        .Select(
            path =>
                uint.TryParse(Path.GetFileName(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var round)
                    ? round : 0);

    private static string PathOf(string folder, uint round) => Path.Combine(folder, Prefix + round.ToString(CultureInfo.InvariantCulture));
}
