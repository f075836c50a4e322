using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FedLora.Core.Audit;

/// <summary>
/// An entry as it stands in the file: one JSON object a line, the hash last. The hash is over the bytes of the object without it, so that
/// anybody can check it with a text editor and sha256sum.
/// </summary>
internal static class AuditLine
{
    private const string HashField = ",\"hash\":\"";
    private const int HashLength = 64;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    internal static readonly string Genesis = new('0', HashLength);

    /// <summary>The entry with its hash, and its line with the line's end.</summary>
    internal static (AuditEntry Entry, byte[] Line) Write(AuditEntry entry)
    {
        var body = JsonSerializer.Serialize(new Stored(entry.Sequence, entry.At, entry.Level, entry.Event, entry.Message, entry.Fields,
            entry.Previous), Json);
        var hash = HashOf(body);
        return (entry with { Hash = hash }, Encoding.UTF8.GetBytes($"{body[..^1]}{HashField}{hash}\"}}\n"));
    }

    /// <summary>Null: not an entry, or not with the hash of what it says.</summary>
    internal static AuditEntry? Read(string line)
    {
        var body = line.Length - HashLength - HashField.Length - 2;
        if (body < 1 || !line.AsSpan(body).StartsWith(HashField, StringComparison.Ordinal)
            || !line.EndsWith("\"}", StringComparison.Ordinal))
            return null;
        var hash = line.Substring(body + HashField.Length, HashLength);
        var text = $"{line[..body]}}}";
        if (HashOf(text) != hash)
            return null;
        try
        {
            return JsonSerializer.Deserialize<Stored>(text, Json) is { Fields: not null } stored
                ? new AuditEntry(stored.Sequence, stored.At, stored.Level, stored.Event, stored.Message, stored.Fields, stored.Previous)
                { Hash = hash }
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string HashOf(string body) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));

    private sealed record Stored(long Sequence, DateTimeOffset At, string Level, string Event, string Message,
        IReadOnlyDictionary<string, string> Fields, string Previous);
}
