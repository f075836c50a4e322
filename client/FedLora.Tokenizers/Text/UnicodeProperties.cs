using System.Globalization;

namespace FedLora.Tokenizers.Text;

/// <summary>The properties of <c>\p{..}</c>: general categories (long and short names) and the scripts that tokenizers ask for.</summary>
internal static class UnicodeProperties
{
    // In the order of UnicodeCategory.
    private static readonly string[] Categories =
        ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe",
            "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn"];

    private static readonly Dictionary<string, string> LongNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Letter"] = "L",
        ["Mark"] = "M",
        ["Number"] = "N",
        ["Punctuation"] = "P",
        ["Punct"] = "P",
        ["Symbol"] = "S",
        ["Separator"] = "Z",
        ["Other"] = "C",
        ["Uppercase_Letter"] = "Lu",
        ["Lowercase_Letter"] = "Ll",
        ["Titlecase_Letter"] = "Lt",
        ["Modifier_Letter"] = "Lm",
        ["Other_Letter"] = "Lo",
        ["Decimal_Number"] = "Nd",
        ["Nonspacing_Mark"] = "Mn",
        ["Digit"] = "Nd",
        ["Cntrl"] = "Cc",
    };

    // Scripts.txt of Unicode 16, assigned characters.
    private static readonly Dictionary<string, (int First, int Last)[]> Scripts = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Han"] = [(0x2E80, 0x2E99), (0x2E9B, 0x2EF3), (0x2F00, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029),
            (0x3038, 0x303B), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
            (0xF900, 0xFA6D), (0xFA70, 0xFAD9), (0x16FE2, 0x16FE3), (0x16FF0, 0x16FF1), (0x20000, 0x2A6DF), (0x2A700, 0x2B739),
            (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1),
            (0x2CEB0, 0x2EBE0), (0x2EBF0, 0x2EE5D), (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF)],
        ["Hiragana"] = [(0x3041, 0x3096), (0x309D, 0x309F), (0x1B001, 0x1B11F), (0x1B132, 0x1B132), (0x1B150, 0x1B152), (0x1F200, 0x1F200)],
        ["Katakana"] = [(0x30A1, 0x30FA), (0x30FD, 0x30FF), (0x31F0, 0x31FF), (0x32D0, 0x32FE), (0x3300, 0x3357), (0xFF66, 0xFF6F),
            (0xFF71, 0xFF9D), (0x1AFF0, 0x1AFF3),
            (0x1AFF5, 0x1AFFB), (0x1AFFD, 0x1AFFE), (0x1B000, 0x1B000), (0x1B120, 0x1B122), (0x1B155, 0x1B155), (0x1B164, 0x1B167)],
        ["Hangul"] = [(0x1100, 0x11FF), (0x302E, 0x302F), (0x3131, 0x318E), (0x3200, 0x321E), (0x3260, 0x327E), (0xA960, 0xA97C),
            (0xAC00, 0xD7A3), (0xD7B0, 0xD7C6),
            (0xD7CB, 0xD7FB), (0xFFA0, 0xFFBE), (0xFFC2, 0xFFC7), (0xFFCA, 0xFFCF), (0xFFD2, 0xFFD7), (0xFFDA, 0xFFDC)],
        ["Thai"] = [(0xE01, 0xE3A), (0xE40, 0xE5B)],
    };

    /// <summary>The test for a property's name, or null when it is not known.</summary>
    public static Func<int, bool>? Find(string name)
    {
        if (LongNames.TryGetValue(name, out var shortName))
            name = shortName;
        if (Scripts.TryGetValue(name, out var ranges))
            return RuneSet.OfRanges(ranges).Contains;
        if (name is "Space" or "White_Space" or "Whitespace")
            return UnicodeData.WhiteSpace.Contains;
        var mask = 0u;
        for (var i = 0; i < Categories.Length; i++)
        {
            if (Categories[i] == name || Categories[i][..1] == name)
                mask |= 1u << i;
        }
        return mask == 0 ? null : rune => (mask >> (int)CharUnicodeInfo.GetUnicodeCategory(rune) & 1) != 0;
    }
}
