using System.Globalization;

namespace FedLora.Protocol.Definitions;

/// <summary>Numbers as people write shares: <c>0.0625</c> or <c>1/16</c>.</summary>
public static class Fraction
{
    /// <summary>The number, finite; null where the text is none.</summary>
    public static double? Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return Plain(text);
        return Plain(text[..slash]) is { } top && Plain(text[(slash + 1)..]) is { } bottom && double.IsFinite(top / bottom) ? top / bottom : null;
    }

    private static double? Plain(string text) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
