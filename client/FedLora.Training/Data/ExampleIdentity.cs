using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FedLora.Training.Data;

/// <summary>
/// What makes an example the same example, for the privacy ledger: its texts, whatever its label, its place in the file, further fields, the JSON's layout or the white space.
/// A line that is no such JSON is known by its bytes.
/// </summary>
public static class ExampleIdentity
{
    private static readonly string[] Texts = ["prompt", "completion", "text"];

    /// <summary>SHA-256 of every line of a JSONL file, in the file's order; blank lines are none.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Read(string path)
    {
        foreach (var line in File.ReadLines(path, Encoding.UTF8))
        {
            if (!string.IsNullOrWhiteSpace(line))
                yield return Of(line);
        }
    }

    /// <summary>Of one line.</summary>
    public static byte[] Of(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                var texts = Texts.Select(name => document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null).OfType<string>().ToArray();
                if (texts.Length > 0)
                    return SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(' ', texts.SelectMany(text => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))));
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Not JSON, or half a surrogate pair: its bytes will do.
        }
        return SHA256.HashData(Encoding.UTF8.GetBytes(line.Trim()));
    }
}
