using System.Text;
using System.Text.Json;

namespace FedLora.Training.Data;

/// <summary>Reads a JSONL file of training examples. Blank lines are allowed and count as lines; fields that are not asked for are ignored.</summary>
public static class JsonLines
{
    private const int LargestLine = 16 * 1024 * 1024;
    private const int NamedLines = 10;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="task">What its lines must hold.</param>
    /// <param name="labels">Classification: the federation's labels, in the order of the classes; else empty.</param>
    /// <param name="badLines">What becomes of lines that cannot be used.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The records, and what was left out.</returns>
    /// <exception cref="FedLoraException"><c>data-missing</c>, <c>data-invalid</c> (names the line), <c>data-label-unknown</c>, <c>data-empty</c>.</exception>
    public static (IReadOnlyList<TextRecord> Records, SkippedLines Skipped) Read(
        string path, TextTask task, IReadOnlyList<string> labels, BadLines badLines, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            throw new FedLoraException("data-missing", $"There is no data file at {path}.", "Give the path of a JSONL file.");
        var records = new List<TextRecord>();
        var reasons = new List<string>();
        var (number, skipped) = (0, 0);
        using var reader = new StreamReader(path, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            cancellationToken.ThrowIfCancellationRequested();
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            try
            {
                records.Add(Parse(path, number, line, task, labels));
            }
            catch (FedLoraException e) when (badLines == BadLines.Skip)
            {
                skipped++;
                if (reasons.Count < NamedLines)
                    reasons.Add(e.Message);
            }
        }
        if (records.Count == 0)
            throw new FedLoraException("data-empty", $"{path} holds no usable example ({number} lines, {skipped} left out).", "Check that every line is one JSON object, e.g. {\"text\":\"...\",\"label\":\"...\"}.");
        return (records, new SkippedLines(skipped, reasons));
    }

    private static TextRecord Parse(string path, int number, string line, TextTask task, IReadOnlyList<string> labels)
    {
        if (line.Length > LargestLine)
            throw Bad(path, number, $"has {line.Length} characters; at most {LargestLine} are read");
        // What the reader makes of wrong bytes: it must not be trained on.
        if (line.Contains('\uFFFD', StringComparison.Ordinal))
            throw Bad(path, number, "is not valid UTF-8, or holds U+FFFD");
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw Bad(path, number, "is not a JSON object");
            if (task == TextTask.SequenceClassification)
            {
                var label = Label(root) ?? throw Bad(path, number, "has no \"label\", which must be a text or a whole number");
                var index = IndexOf(labels, label);
                if (index < 0)
                    throw new FedLoraException("data-label-unknown", $"{path}, line {number}: the label \"{label}\" is not one of {string.Join(", ", labels)}.", "Mend the line, or create the federation with this label.");
                return new TextRecord(number, null, Required(root, "text", path, number), index, label);
            }
            if (root.TryGetProperty("prompt", out _) || root.TryGetProperty("completion", out _))
                return new TextRecord(number, Required(root, "prompt", path, number), Required(root, "completion", path, number), null, null);
            return new TextRecord(number, null, Required(root, "text", path, number), null, null);
        }
        catch (JsonException e)
        {
            throw Bad(path, number, $"is not valid JSON ({e.Message.Split('.')[0]})");
        }
        catch (InvalidOperationException)
        {
            // What GetString says of an escaped lone surrogate.
            throw Bad(path, number, "holds half a surrogate pair");
        }
    }

    private static string Required(JsonElement root, string name, string path, int number) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && (text.Length > 0 || name == "prompt")
            ? text : throw Bad(path, number, $"has no \"{name}\", which must be a text that is not empty");

    private static string? Label(JsonElement root) => root.TryGetProperty("label", out var value)
        ? value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number => value.GetRawText(), _ => null }
        : null;

    private static int IndexOf(IReadOnlyList<string> labels, string label)
    {
        for (var i = 0; i < labels.Count; i++)
        {
            if (labels[i] == label)
                return i;
        }
        return -1;
    }

    private static FedLoraException Bad(string path, int number, string what) =>
        new("data-invalid", $"{path}, line {number} {what}.", "Mend the line, or leave such lines out with --on-bad-line skip.");
}

/// <summary>Lines that were left out.</summary>
/// <param name="Count">How many.</param>
/// <param name="Reasons">The first few, with their numbers and what is wrong with them.</param>
public sealed record SkippedLines(int Count, IReadOnlyList<string> Reasons);
