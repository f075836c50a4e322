using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FedLora.Training.Data;

/// <summary>
/// What makes an example the same example, for the privacy ledger: every text that training may read, each by itself, whatever its field is
/// called here, its label, its place in the file, further fields, the JSON's layout or the white space. Short texts (a completion "ham")
/// are shared by strangers and count only together, and so do the system's turns and the tools of a conversation, which are the program's
/// words: one prompt before all of them does not make them one example. An image is known by its file's bytes, and a line that is no such
/// JSON by its own.
/// </summary>
public static class ExampleIdentity
{
    // Shorter texts are labels and stock phrases.
    private const int LeastLength = 24;

    private static readonly string[] Texts = ["prompt", "completion", "text"];

    // Only where there is no text, as it is only read there.
    private static readonly string[] Images = ["image"];

    // Of these every text within: turns, calls of tools, ...
    private static readonly string[] Trees = ["messages", "tools"];

    /// <summary>SHA-256 of each text of one line that counts by itself, and of all of them together.</summary>
    /// <param name="line">One line of a JSONL file, or a row of another format as such a line.</param>
    /// <param name="unit">The field that makes lines one unit of privacy: its value is a text of the example too; null for none.</param>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Of(string line, string? unit = null)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object && Of(document.RootElement, unit) is { Count: > 0 } texts)
                return [.. texts.Select(Hash)];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Not JSON, or half a surrogate pair: its bytes will do.
        }
        return [Hash(line.Trim())];
    }

    private static HashSet<string> Of(JsonElement root, string? unit)
    {
        var fields = Array.Exists([.. Texts, .. Trees], name => root.TryGetProperty(name, out _)) ? Texts : Images;
        var texts = fields.Select(name => Text(root, name)).OfType<string>()
            .Concat(Trees.SelectMany(name => root.TryGetProperty(name, out var tree) ? TextsIn(tree) : [])).Select(Normal).ToArray();
        if (texts.Length == 0)
            return [];
        // Older ledgers hold these too, and more: they know their examples by what is made of them now.
        var single = fields.Select(name => Text(root, name)).OfType<string>()
            .Concat(root.TryGetProperty("messages", out var messages) ? TextsOfPeople(messages) : []).Select(Normal);
        var counting = single.Where(text => text.Length >= LeastLength).Append(string.Join(' ', texts)).ToHashSet(StringComparer.Ordinal);
        // By its field's name too, so that no text of another field is taken for the unit.
        if (unit is not null && RecordReader.UnitOf(root, unit) is { } value)
            counting.Add($"{unit}\0{value}");
        return counting;
    }

    private static IEnumerable<string> TextsOfPeople(JsonElement messages) => messages.ValueKind != JsonValueKind.Array ? TextsIn(messages)
        : messages.EnumerateArray().Where(turn => turn.ValueKind != JsonValueKind.Object || Text(turn, "role") is not ("system"
            or "developer")).SelectMany(TextsIn);

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static IEnumerable<string> TextsIn(JsonElement tree) => tree.ValueKind switch
    {
        JsonValueKind.Array => tree.EnumerateArray().SelectMany(TextsIn),
        // In order of name: columns of a structure have an order of their own.
        JsonValueKind.Object => tree.EnumerateObject().OrderBy(field => field.Name, StringComparer.Ordinal)
            .SelectMany(field => TextsIn(field.Value)),
        JsonValueKind.String => [tree.GetString()!],
        _ => [],
    };

    private static string Normal(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static ReadOnlyMemory<byte> Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
