using System.Globalization;
using System.Text;

namespace FedLora.Core.Audit;

/// <summary>The files of an audit log, <c>000001.jsonl</c>, <c>000002.jsonl</c>, ..., read beside the program that writes them.</summary>
public static class AuditFiles
{
    private const int Block = 1 << 16;
    private const string NoEntry = "it is no entry, or not with the hash of what it says";

    /// <summary>Every entry in order, each checked; what is still being written is not among them.</summary>
    /// <param name="folder">Of the log.</param>
    /// <exception cref="FedLoraException"><c>audit-damaged</c>: a line was cut, edited, removed or put in.</exception>
    public static IEnumerable<AuditEntry> Read(string folder)
    {
        var (sequence, hash) = (0L, AuditLine.Genesis);
        foreach (var file in Paths(folder))
        {
            var number = 0;
            foreach (var line in Lines(file))
            {
                number++;
                var entry = AuditLine.Read(line)
                    ?? throw Damaged($"line {number} of {file}", NoEntry);
                if (entry.Previous != hash || entry.Sequence != sequence + 1)
                    throw Damaged($"line {number} of {file}",
                        $"it is entry {entry.Sequence} and does not follow the one before, {sequence}");
                (sequence, hash) = (entry.Sequence, entry.Hash);
                yield return entry;
            }
        }
    }

    /// <summary>The newest entries that are asked for, oldest first; read from the end back, and no further than needed.</summary>
    /// <param name="folder">Of the log.</param>
    /// <param name="wanted">Which entries. What is no entry is passed over here: <see cref="Read"/> tells of it.</param>
    /// <param name="count">At most as many.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static IReadOnlyList<AuditEntry> Last(string folder, Func<AuditEntry, bool> wanted, int count,
        CancellationToken cancellationToken) =>
        [.. Backwards(folder, cancellationToken).Select(line => AuditLine.Read(line.Text)).OfType<AuditEntry>().Where(wanted).Take(count)
            .Reverse()];

    /// <summary>The entries after one, oldest first.</summary>
    /// <param name="folder">Of the log.</param>
    /// <param name="sequence">The entry after which.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static IReadOnlyList<AuditEntry> After(string folder, long sequence, CancellationToken cancellationToken) =>
        [.. Backwards(folder, cancellationToken).Select(line => AuditLine.Read(line.Text)).OfType<AuditEntry>()
            .TakeWhile(entry => entry.Sequence > sequence).Reverse()];

    /// <summary>The newest entry; null of an empty log.</summary>
    /// <exception cref="FedLoraException"><c>audit-damaged</c>: its last line is no entry.</exception>
    internal static AuditEntry? Newest(string folder)
    {
        foreach (var (file, text) in Backwards(folder, CancellationToken.None))
            return AuditLine.Read(text) ?? throw Damaged($"the last line of {file}", NoEntry);
        return null;
    }

    internal static string PathOf(string folder, int number) =>
        Path.Combine(folder, number.ToString("000000", CultureInfo.InvariantCulture) + ".jsonl");

    /// <summary>The files, oldest first; none where there is no log.</summary>
    public static IReadOnlyList<string> Paths(string folder) => !Directory.Exists(folder) ? []
        : [.. Directory.EnumerateFiles(folder, "*.jsonl").Order(StringComparer.Ordinal)];

    private static FedLoraException Damaged(string where, string what) =>
        new("audit-damaged", $"the audit log was cut or edited: {where}: {what}",
            "Compare it with a copy. To go on with a new log, move the whole folder away and keep it.");

    private static FileStream Open(string file) => new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    // Lines that are whole: what follows the last line's end is still being written, or was when the program was killed.
    private static IEnumerable<string> Lines(string file)
    {
        using var reader = new StreamReader(Open(file), Encoding.UTF8);
        var text = new StringBuilder();
        var buffer = new char[Block];
        for (int count; (count = reader.Read(buffer)) > 0;)
        {
            var rest = buffer.AsMemory(0, count);
            for (int end; (end = rest.Span.IndexOf('\n')) >= 0; rest = rest[(end + 1)..])
            {
                yield return text.Append(rest[..end].Span).ToString();
                text.Clear();
            }
            text.Append(rest.Span);
        }
    }

    // The same of all files, the newest line first.
    private static IEnumerable<(string File, string Text)> Backwards(string folder, CancellationToken cancellationToken)
    {
        foreach (var file in Paths(folder).Reverse())
        {
            using var stream = Open(file);
            var (isWhole, rest) = (false, Array.Empty<byte>());
            for (var end = stream.Length; end > 0; end = Math.Max(0, end - Block))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var start = Math.Max(0, end - Block);
                var block = new byte[(int)(end - start) + rest.Length];
                stream.Position = start;
                stream.ReadExactly(block, 0, (int)(end - start));
                rest.CopyTo(block, end - start);
                var to = block.Length;
                for (int at; to > 0 && (at = Array.LastIndexOf(block, (byte)'\n', to - 1)) >= 0; to = at)
                {
                    if (isWhole)
                        yield return (file, Encoding.UTF8.GetString(block, at + 1, to - at - 1));
                    isWhole = true;
                }
                rest = block[..to];
            }
            if (isWhole)
                yield return (file, Encoding.UTF8.GetString(rest));
        }
    }
}
