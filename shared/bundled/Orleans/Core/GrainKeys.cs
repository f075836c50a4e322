using System.Globalization;
using System.Text;

namespace Orleans.Runtime;

/// <summary>Keys as bytes, in the upstream's forms: Guid "N", integer hexadecimal, an extension after '+'.</summary>
internal static class GrainKeys
{
    public static IdSpan Of(Guid key, string? extension = null) => IdSpan.Create(WithExtension(key.ToString("N"), extension));

    public static IdSpan Of(long key, string? extension = null) => IdSpan.Create(WithExtension(key.ToString("X", CultureInfo.InvariantCulture), extension));

    public static bool TryGuid(GrainId id, out Guid key, out string? extension)
    {
        Split(id, out var text, out extension);
        return Guid.TryParseExact(text, "N", out key);
    }

    public static bool TryInteger(GrainId id, out long key, out string? extension)
    {
        Split(id, out var text, out extension);
        return long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out key);
    }

    private static string WithExtension(string key, string? extension) => string.IsNullOrWhiteSpace(extension) ? key : $"{key}+{extension}";

    private static void Split(GrainId id, out string key, out string? extension)
    {
        var text = Encoding.UTF8.GetString(id.Key.AsSpan());
        var plus = text.IndexOf('+', StringComparison.Ordinal);
        key = plus < 0 ? text : text[..plus];
        extension = plus < 0 ? null : text[(plus + 1)..];
    }
}
