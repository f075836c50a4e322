using System.Globalization;
using System.Text;

namespace FedLora.Tokenizers.Text;

/// <summary>
/// Character properties as the Hugging Face tokenizers library has them. Its tables are of several Unicode versions (see
/// <c>unicode.txt</c>); where they agree with .NET's, .NET's are used.
/// </summary>
internal static class UnicodeData
{
    private static readonly Dictionary<string, string[]> Sections = ReadSections();
    private static readonly RuneTable<byte> Classes = new(Of(ReadClasses(Sections["class"])));
    private static readonly RuneTable<int> LowerCase = new(LowerFunction(ReadPairs(Sections["lowercase"])));

    /// <summary>What BertNormalizer cleans away.</summary>
    public static RuneSet Removed { get; } = ReadSet("removed");

    /// <summary>Non-spacing marks as BertNormalizer knows them.</summary>
    public static RuneSet NonSpacing { get; } = ReadSet("nonspacing");

    /// <summary>Punctuation as BertPreTokenizer knows it.</summary>
    public static RuneSet Punctuation { get; } = ReadSet("punctuation");

    /// <summary>Combining marks as StripAccents knows them.</summary>
    public static RuneSet Marks { get; } = ReadSet("marks");

    /// <summary>Unicode's White_Space.</summary>
    public static RuneSet WhiteSpace { get; } = new(rune => Rune.IsValid(rune) && Rune.IsWhiteSpace(new Rune(rune)));

    /// <summary>Digits, number letters and other numbers (Nd, Nl, No).</summary>
    public static RuneSet Numeric { get; } = new(NumericPredicate());

    /// <summary>Word characters: alphabetic, marks, decimal digits, connectors.</summary>
    public static RuneSet Word { get; } = new(IsWord);

    /// <summary>The ideographs that BertNormalizer pads with spaces; the gap before U+2B920 is the library's.</summary>
    public static bool IsPaddedIdeograph(int rune) => rune is >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF
        or >= 0x20000 and <= 0x2A6DF or >= 0x2A700 and <= 0x2B81F or >= 0x2B920 and <= 0x2CEAF
        or >= 0xF900 and <= 0xFAFF or >= 0x2F800 and <= 0x2FA1F;

    /// <summary>Canonical combining class, 0 for starters.</summary>
    public static byte CombiningClass(int rune) => rune < 0x300 ? (byte)0 : Classes[rune];

    /// <summary>Lower case of one code point without context. U+0130 has two and is the caller's.</summary>
    public static int ToLower(int rune) => LowerCase[rune];

    /// <summary>The members of a table such as <c>C0=41,300</c>: code point, whether marked by <c>!</c>, what it stands for.</summary>
    public static IEnumerable<(int Rune, bool Marked, int[] Value)> Mappings(string section)
    {
        foreach (var item in Sections[section])
        {
            var equals = item.IndexOf('=');
            var marked = item[equals - 1] == '!';
            yield return (Hex(item.AsSpan(0, marked ? equals - 1 : equals)), marked,
                Array.ConvertAll(item[(equals + 1)..].Split(','), part => Hex(part)));
        }
    }

    private static Func<int, byte> Of(Dictionary<int, byte> values) => rune => values.GetValueOrDefault(rune);

    private static Func<int, int> LowerFunction(Dictionary<int, int> own) =>
        rune => own.TryGetValue(rune, out var lower) ? lower : Rune.IsValid(rune) ? Rune.ToLowerInvariant(new Rune(rune)).Value : rune;

    private static bool IsWord(int rune) => CharUnicodeInfo.GetUnicodeCategory(rune) switch
    {
        <= UnicodeCategory.EnclosingMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.ConnectorPunctuation => true,
        // Circled and squared letters are symbols, yet alphabetic.
        _ => rune is >= 0x24B6 and <= 0x24E9 or >= 0x1F130 and <= 0x1F149 or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189,
    };

    private static Func<int, bool> NumericPredicate()
    {
        var later = ReadSet("numeric");
        return rune =>
            CharUnicodeInfo.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
                or UnicodeCategory.OtherNumber
                || later.Contains(rune);
    }

    private static Dictionary<string, string[]> ReadSections()
    {
        using var stream = typeof(UnicodeData).Assembly.GetManifestResourceStream("unicode.txt")
            ?? throw new InvalidOperationException("The resource unicode.txt is not in the assembly.");
        using var reader = new StreamReader(stream);
        var sections = new Dictionary<string, string[]>();
        foreach (var part in reader.ReadToEnd().Split('@').Skip(1))
        {
            var lines = part.Split('\n');
            sections[lines[0]] = [.. lines.Skip(1).Where(line => !line.StartsWith('#'))
                .SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        }
        return sections;
    }

    private static RuneSet ReadSet(string section)
    {
        var ranges = Array.ConvertAll(Sections[section], Range);
        return RuneSet.OfRanges(ranges);
    }

    private static Dictionary<int, byte> ReadClasses(string[] items)
    {
        var classes = new Dictionary<int, byte>();
        byte current = 0;
        foreach (var item in items)
        {
            if (item.EndsWith(':'))
            {
                current = byte.Parse(item.AsSpan(0, item.Length - 1), CultureInfo.InvariantCulture);
                continue;
            }
            var (first, last) = Range(item);
            for (var rune = first; rune <= last; rune++)
                classes[rune] = current;
        }
        return classes;
    }

    private static Dictionary<int, int> ReadPairs(string[] items) =>
        items.Select(item => item.Split('=')).ToDictionary(pair => Hex(pair[0]), pair => Hex(pair[1]));

    private static (int First, int Last) Range(string item)
    {
        var dash = item.IndexOf('-');
        return dash < 0 ? (Hex(item), Hex(item)) : (Hex(item.AsSpan(0, dash)), Hex(item.AsSpan(dash + 1)));
    }

    private static int Hex(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
