using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FedLora.Training.Data;

/// <summary>Reads a JSONL file of training examples. Blank lines are allowed and count as lines; fields that are not asked for are ignored.</summary>
public static class JsonLines
{
    private const int LargestLine = 16 * 1024 * 1024;
    private const int NamedLines = 10;

    /// <summary>Reads a file, once from beginning to end: records and identities are of the very same bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="settings">What its lines must hold; its length is not looked at.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="FedLoraException"><c>data-missing</c>, <c>data-invalid</c> (names the line), <c>data-label-unknown</c>, <c>data-empty</c>.</exception>
    public static DataFile Read(string path, DataSettings settings, CancellationToken cancellationToken)
    {
        using var file = Open(path);
        using var hash = SHA256.Create();
        using var reader = new StreamReader(new CryptoStream(file, hash, CryptoStreamMode.Read, leaveOpen: true), Encoding.UTF8);
        var (records, identities, reasons) = (new List<TextRecord>(), new List<ReadOnlyMemory<byte>>(), new List<string>());
        var (number, skipped) = (0, 0);
        while (reader.ReadLine() is { } line)
        {
            cancellationToken.ThrowIfCancellationRequested();
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            identities.AddRange(ExampleIdentity.Of(line, settings.Unit));
            try
            {
                records.Add(Parse(path, number, line, settings));
            }
            catch (FedLoraException e) when (settings.BadLines == BadLines.Skip)
            {
                skipped++;
                if (reasons.Count < NamedLines)
                    reasons.Add(e.Message);
            }
        }
        if (records.Count == 0)
            throw new FedLoraException("data-empty", $"{path} holds no usable example ({number} lines, {skipped} left out).", "Check that every line is one JSON object, e.g. {\"text\":\"...\",\"label\":\"...\"}.");
        return new DataFile(records, new SkippedLines(skipped, reasons), identities, Convert.ToHexStringLower(hash.Hash!));
    }

    /// <summary>The value of a line's unit field as text; null where it has none.</summary>
    internal static string? UnitOf(JsonElement root, string field) => root.TryGetProperty(field, out var value)
        ? value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number => value.GetRawText(), _ => null }
        : null;

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FedLoraException("data-missing", $"There is no data file at {path}.", "Give the path of a JSONL file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("data-missing", $"The data file {path} cannot be read: {e.Message}", "Mend its rights, or give the path of a JSONL file.", e);
        }
    }

    private static TextRecord Parse(string path, int number, string line, DataSettings settings)
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
            var unit = settings.Unit is null ? null : UnitOf(root, settings.Unit)
                ?? throw Bad(path, number, $"has no \"{settings.Unit}\", the unit of privacy, which must be a text or a number");
            if (settings.Task == TextTask.SequenceClassification)
            {
                var label = Label(root) ?? throw Bad(path, number, root.TryGetProperty("label", out var other) ? $"has \"label\": {Short(other)}, which must be a text or a whole number" : "has no \"label\", which must be a text or a whole number");
                var index = IndexOf(settings.Labels, label);
                if (index < 0)
                    throw new FedLoraException("data-label-unknown", $"{path}, line {number}: the label \"{label}\" is not one of {string.Join(", ", settings.Labels)}.", "Mend the line, or create the federation with this label.") { Data = { [FedLoraException.LineKey] = number } };
                return new TextRecord(number, null, Required(root, "text", path, number), index) { Unit = unit };
            }
            if (root.TryGetProperty("prompt", out _) || root.TryGetProperty("completion", out _))
                return new TextRecord(number, Required(root, "prompt", path, number), Required(root, "completion", path, number), null) { Unit = unit };
            return new TextRecord(number, null, Required(root, "text", path, number), null) { Unit = unit };
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

    private static string Short(JsonElement value) => value.GetRawText() is { Length: > 32 } text ? $"{text[..32]}..." : value.GetRawText();

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
        new("data-invalid", $"{path}, line {number} {what}.", "Mend the line, or leave such lines out with --on-bad-line skip.") { Data = { [FedLoraException.LineKey] = number } };
}

/// <summary>Lines that were left out.</summary>
/// <param name="Count">How many.</param>
/// <param name="Reasons">The first few, with their numbers and what is wrong with them.</param>
public sealed record SkippedLines(int Count, IReadOnlyList<string> Reasons);

/// <summary>What one reading of a data file found.</summary>
/// <param name="Records">Its usable lines, in the file's order.</param>
/// <param name="Skipped">What was left out.</param>
/// <param name="Identities">Of every line, those left out too, as <see cref="ExampleIdentity"/> makes them.</param>
/// <param name="Sha256">Of the bytes read, hex.</param>
public sealed record DataFile(IReadOnlyList<TextRecord> Records, SkippedLines Skipped, IReadOnlyList<ReadOnlyMemory<byte>> Identities, string Sha256);
