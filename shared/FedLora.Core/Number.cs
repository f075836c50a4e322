using System.Globalization;

namespace FedLora.Core;

/// <summary>
/// Numbers as people write them in files and on the command line: a decimal point, an exponent if need be, no separators of thousands
/// (<c>1,5</c> is no number), never infinite; a share may be written <c>1/16</c>.
/// </summary>
public static class Number
{
    /// <summary>The number, finite; null where the text is none.</summary>
    public static double? Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return Plain(text);
        return Plain(text[..slash]) is { } top && Plain(text[(slash + 1)..]) is { } bottom && double.IsFinite(top / bottom) ? top / bottom
            : null;
    }

    /// <summary>The whole number, from -2^63 to 2^63 - 1: digits, perhaps after a minus; null where the text is none.</summary>
    public static long? ParseWhole(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The whole number, from 0 to 2^64 - 1: digits only; null where the text is none.</summary>
    public static ulong? ParseCount(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static double? Plain(string text) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number
            : null;
}
