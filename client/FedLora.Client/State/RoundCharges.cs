using System.Globalization;

namespace FedLora.Client.State;

/// <summary>
/// How often a federation's newest round was charged to the privacy ledger, on disk before each charge. A round that was paid for and came
/// to no update (the machine's memory is too small, libtorch fails) would be paid for again with every start; so only a few times.
/// </summary>
public static class RoundCharges
{
    /// <summary>So often a round is charged at most: the first time, and after two accidents.</summary>
    public const int Most = 3;

    private const string FileName = "charged";

    /// <summary>How often the round was charged; 0 for another one than the newest.</summary>
    /// <param name="folder">Where the node keeps what this federation leaves from round to round.</param>
    /// <param name="round">From 1.</param>
    public static int Of(string folder, uint round)
    {
        var path = Path.Combine(folder, FileName);
        return File.Exists(path) && File.ReadAllText(path).Split(' ') is [var of, var times] && of == Text(round)
            && int.TryParse(times, CultureInfo.InvariantCulture, out var count) ? count : 0;
    }

    /// <summary>The round is about to be charged once more.</summary>
    /// <exception cref="FedLoraException"><c>file-write-failed</c>.</exception>
    public static void Add(string folder, uint round) =>
        AtomicFile.Write(Path.Combine(folder, FileName), $"{Text(round)} {Of(folder, round) + 1}");

    private static string Text(uint round) => round.ToString(CultureInfo.InvariantCulture);
}
