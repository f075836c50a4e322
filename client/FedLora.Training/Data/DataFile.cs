using System.Security.Cryptography;
using System.Text;
using FedLora.Training.Data.Formats;

namespace FedLora.Training.Data;

/// <summary>What one reading of a data file, or of a folder of them, found: of JSON lines, CSV, TSV or Parquet, see
/// <see cref="DataFormat"/>.</summary>
/// <param name="Records">Its usable lines, in the file's order.</param>
/// <param name="Skipped">What was left out.</param>
/// <param name="Identities">Of every line, those left out too, as <see cref="ExampleIdentity"/> makes them.</param>
/// <param name="Sha256">Of all lines read, as JSON, hex.</param>
public sealed record DataFile(IReadOnlyList<TextRecord> Records, SkippedLines Skipped, IReadOnlyList<ReadOnlyMemory<byte>> Identities,
    string Sha256)
{
    /// <summary>
    /// Reads a file, once from beginning to end: records and identities are of the very same lines. Blank lines are allowed and count as
    /// lines; fields that are not asked
    /// for are ignored.
    /// </summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="settings">What its lines must hold; its length is not looked at. Classification without labels takes any label.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="FedLoraException">
    /// <c>data-missing</c>, <c>data-invalid</c> (names the line), <c>data-label-unknown</c>, <c>data-too-large</c>, <c>data-empty</c>.
    /// </exception>
    public static DataFile Read(string path, DataSettings settings, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (records, identities, skipped) = (new List<TextRecord>(), new List<ReadOnlyMemory<byte>>(), SkippedLines.None);
        var lines = 0;
        foreach (var line in DataFormat.Read(path, RecordReader.Fields(settings.Unit), cancellationToken))
        {
            lines++;
            hash.AppendData(Encoding.UTF8.GetBytes(line.Text + '\n'));
            if (string.IsNullOrWhiteSpace(line.Text))
                continue;
            identities.AddRange(ExampleIdentity.Of(line.Text, settings.Unit));
            try
            {
                records.Add(RecordReader.Parse(line, settings));
            }
            catch (FedLoraException e) when (settings.BadLines == BadLines.Skip)
            {
                skipped = skipped.And(e.Message);
            }
        }
        return records.Count > 0 ? new DataFile(records, skipped, identities, Convert.ToHexStringLower(hash.GetHashAndReset()))
            : throw Empty(path, lines, skipped);
    }

    internal static FedLoraException Empty(string path, int lines, SkippedLines skipped) =>
        new("data-empty",
            $"{path} holds no usable example ({lines} lines, {skipped.Count} left out)"
                + (skipped.Reasons.Count > 0 ? $"; the first: {skipped.Reasons[0]}" : "."),
            "What is read of data: {\"text\":\"...\",\"label\":\"...\"} in each line, or image and label, text, prompt and completion, or "
                + "messages.");
}

/// <summary>Lines that were left out.</summary>
/// <param name="Count">How many.</param>
/// <param name="Reasons">The first few, with their numbers and what is wrong with them.</param>
public sealed record SkippedLines(int Count, IReadOnlyList<string> Reasons)
{
    private const int Named = 10;

    /// <summary>None.</summary>
    public static SkippedLines None { get; } = new(0, []);

    /// <summary>One more.</summary>
    internal SkippedLines And(string reason) => new(Count + 1, Count < Named ? [.. Reasons, reason] : Reasons);
}
