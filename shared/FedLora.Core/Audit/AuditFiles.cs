using System.Globalization;
using System.Text;

namespace FedLora.Core.Audit;

/// <summary>The files of an audit log, <c>000001.jsonl</c>, <c>000002.jsonl</c>, ..., read beside the program that writes them.</summary>
public static class AuditFiles
{
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
                    ?? throw Damaged(file, number, "it is no entry, or not with the hash of what it says");
                if (entry.Previous != hash || entry.Sequence != sequence + 1)
                    throw Damaged(file, number, $"it is entry {entry.Sequence} and does not follow the one before, {sequence}");
                (sequence, hash) = (entry.Sequence, entry.Hash);
                yield return entry;
            }
        }
    }

    /// <summary>The newest entries that are asked for, oldest first; files are read from the newest back, none more than needed.</summary>
    /// <param name="folder">Of the log.</param>
    /// <param name="wanted">Which entries.</param>
    /// <param name="count">At most as many.</param>
    public static IReadOnlyList<AuditEntry> Last(string folder, Func<AuditEntry, bool> wanted, int count)
    {
        var found = new LinkedList<AuditEntry>();
        foreach (var file in Paths(folder).Reverse())
        {
            var here = new Queue<AuditEntry>();
            foreach (var entry in Lines(file).Select(AuditLine.Read).OfType<AuditEntry>().Where(wanted))
            {
                here.Enqueue(entry);
                if (here.Count > count - found.Count)
                    here.Dequeue();
            }
            foreach (var entry in here.Reverse())
                found.AddFirst(entry);
            if (found.Count >= count)
                break;
        }
        return [.. found];
    }

    /// <summary>The entries after one, oldest first.</summary>
    /// <param name="folder">Of the log.</param>
    /// <param name="sequence">The entry after which.</param>
    public static IReadOnlyList<AuditEntry> After(string folder, long sequence)
    {
        var later = new LinkedList<AuditEntry>();
        foreach (var file in Paths(folder).Reverse())
        {
            var here = Lines(file).Select(AuditLine.Read).OfType<AuditEntry>().ToList();
            foreach (var entry in here.Where(entry => entry.Sequence > sequence).Reverse())
                later.AddFirst(entry);
            if (here.Count > 0 && here[0].Sequence <= sequence + 1)
                break;
        }
        return [.. later];
    }

    /// <summary>The newest entry; null of an empty log.</summary>
    /// <exception cref="FedLoraException"><c>audit-damaged</c>: its last line is no entry.</exception>
    internal static AuditEntry? Newest(string folder)
    {
        foreach (var file in Paths(folder).Reverse())
        {
            var (number, last) = (0, "");
            foreach (var line in Lines(file))
                (number, last) = (number + 1, line);
            if (number > 0)
                return AuditLine.Read(last) ?? throw Damaged(file, number, "it is no entry, or not with the hash of what it says");
        }
        return null;
    }

    internal static string PathOf(string folder, int number) =>
        Path.Combine(folder, number.ToString("000000", CultureInfo.InvariantCulture) + ".jsonl");

    /// <summary>Oldest first; empty where there is no log.</summary>
    internal static IReadOnlyList<string> Paths(string folder) => !Directory.Exists(folder) ? []
        : [.. Directory.EnumerateFiles(folder, "*.jsonl").Order(StringComparer.Ordinal)];

    internal static FedLoraException Damaged(string file, int line, string what) =>
        new("audit-damaged", $"the audit log was cut or edited: line {line} of {file}: {what}",
            "Compare it with a copy. To go on with a new log, move the whole folder away and keep it.");

    // Lines that are whole: what follows the last line's end is still being written, or was when the program was killed.
    private static IEnumerable<string> Lines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var text = new StringBuilder();
        var buffer = new char[1 << 14];
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
}
