using System.Text.Json;
using FedLora.Training.Data.Formats;

namespace FedLora.Training.Data;

/// <summary>Makes a record of one line. Fields that are not asked for are ignored. Of what the line holds errors tell its label
/// and its fields' names alone.</summary>
internal static class RecordReader
{
    private const int LongestShown = 32;
    private const int MostNamed = 8;
    private const string Image = "image";

    /// <summary>Every field that a task may read.</summary>
    public static IReadOnlySet<string> Fields(string? unit) =>
        new[] { "text", "label", "prompt", "completion", "messages", "tools", Image, unit }.OfType<string>()
            .ToHashSet(StringComparer.Ordinal);

    /// <summary>The value of a line's unit field as text; null where it has none.</summary>
    public static string? UnitOf(JsonElement root, string field) => root.TryGetProperty(field, out var value) ? TextOrNumber(value) : null;

    /// <summary>Reads one line.</summary>
    /// <exception cref="FedLoraException"><c>data-invalid</c>, <c>data-label-unknown</c>; both name the line.</exception>
    public static TextRecord Parse(DataLine line, DataSettings settings)
    {
        if (line.Fault is { } fault)
            throw Bad(line, fault);
        // What the reader makes of wrong bytes: it must not be trained on.
        if (line.Text.Contains('\uFFFD', StringComparison.Ordinal))
            throw Bad(line, "is not valid UTF-8, or holds U+FFFD");
        try
        {
            using var document = JsonDocument.Parse(line.Text);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw Bad(line, "is not a JSON object" + Whole(root.ValueKind == JsonValueKind.Array));
            var unit = settings.Unit is null ? null : UnitOf(root, settings.Unit)
                ?? throw Bad(line, $"has no \"{settings.Unit}\", the unit of privacy, which must be a text or a number");
            return (settings.Task == TextTask.SequenceClassification ? Classified(line, root, settings)
                : Continued(line, root)) with
            { Unit = unit };
        }
        catch (JsonException e)
        {
            throw Bad(line, $"is not valid JSON (at byte {e.BytePositionInLine})"
                + Whole(line.Number == 1 && line.Text.AsSpan().TrimStart().StartsWith('[')));
        }
        catch (InvalidOperationException)
        {
            // What GetString says of an escaped lone surrogate.
            throw Bad(line, "holds half a surrogate pair");
        }
    }

    private static TextRecord Classified(DataLine line, JsonElement root, DataSettings settings)
    {
        var label = LabelOf(root)
            ?? throw Bad(line, root.TryGetProperty("label", out _) ? "has a \"label\" that is neither a text nor a number"
                : "has no \"label\", which must be a text or a whole number");
        var index = settings.Labels.Index().Where(known => known.Item == label).Select(known => (int?)known.Index).FirstOrDefault();
        if (index is null && settings.Labels.Count > 0)
        {
            throw new FedLoraException("data-label-unknown",
                $"{line.Place}: the label \"{(label.Length > LongestShown ? $"{label[..LongestShown]}..." : label)}\" is not one of "
                    + $"{string.Join(", ", settings.Labels)}.",
                "Mend the line, or create the federation with this label; fedlora data check counts the labels of a file.")
            {
                Data =
                    { [FedLoraException.LineKey] = line.Number }
            };
        }
        var image = ImageOf(line, root);
        return new TextRecord(line.Number, null, image is null ? Required(line, root, "text") : "", index)
        {
            Place = line.Place,
            Label = label,
            Image = image,
        };
    }

    private static TextRecord Continued(DataLine line, JsonElement root)
    {
        var record = new TextRecord(line.Number, null, "", null)
        {
            Place = line.Place,
            Label = LabelOf(root),
            IsLabelOdd = root.TryGetProperty("label", out var label) && label.ValueKind != JsonValueKind.Null && LabelOf(root) is null,
        };
        if (root.TryGetProperty("messages", out var messages) && messages.ValueKind != JsonValueKind.Null)
            return record with { Conversation = Conversation.Read(messages, root, fault => Bad(line, fault)) };
        if (root.TryGetProperty("prompt", out _) || root.TryGetProperty("completion", out _))
            return record with { Prompt = Required(line, root, "prompt"), Text = Required(line, root, "completion") };
        return ImageOf(line, root) is { } image ? record with { Image = image } : record with { Text = Required(line, root, "text") };
    }

    // Where there is a text it counts, as it did before images were read.
    private static byte[]? ImageOf(DataLine line, JsonElement root)
    {
        if (root.TryGetProperty("text", out _) || !root.TryGetProperty(Image, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind == JsonValueKind.String && value.TryGetBytesFromBase64(out var file) ? file
            : throw Bad(line, $"has an \"{Image}\" that is not an image file in Base64");
    }

    private static string Required(DataLine line, JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text
            && (text.Length > 0 || name == "prompt")
            ? text : throw Bad(line, $"has no \"{name}\", which must be a text that is not empty{Others(root, name)}");

    // Names of fields alone: what they hold stays unsaid.
    private static string Others(JsonElement root, string wanted)
    {
        var names = root.EnumerateObject().Select(field => field.Name).Where(name => name != wanted && name.Length <= LongestShown)
            .Take(MostNamed).ToArray();
        return names.Length == 0 || root.TryGetProperty(wanted, out _) ? "" : $"; it has {string.Join(", ", names)}";
    }

    private static string Whole(bool isArray) => isArray ? "; the file seems to be one JSON array: write one object a line" : "";

    private static string? LabelOf(JsonElement root) => root.TryGetProperty("label", out var value) ? TextOrNumber(value) : null;

    private static string? TextOrNumber(JsonElement value) =>
        value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number => value.GetRawText(), _ => null };

    private static FedLoraException Bad(DataLine line, string what) =>
        new("data-invalid", $"{line.Place} {what}.",
            "Mend the line, or leave such lines out with --on-bad-line skip.")
        { Data = { [FedLoraException.LineKey] = line.Number } };
}
