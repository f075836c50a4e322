namespace FedLora.Tokenizers.Text;

/// <summary>
/// NFC, NFD, NFKC, NFKD with the tables of Unicode 9, which the tokenizers library uses (.NET's own normalisation is of another
/// version, and off under invariant globalization). UAX #15; Hangul by the arithmetic of the Unicode Standard, section 3.12.
/// Alignments follow the library: the first code point of a decomposition takes the next source position, the others that of
/// the one before; a composition keeps the position of its starter.
/// </summary>
internal static class UnicodeNormalization
{
    private const int SBase = 0xAC00, LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7, LCount = 19, VCount = 21, TCount = 28;

    private static readonly Dictionary<int, int[]> Canonical = [];
    private static readonly Dictionary<int, int[]> Compatibility = [];
    private static readonly Dictionary<long, int> Compositions = [];

    static UnicodeNormalization()
    {
        foreach (var (rune, apart, value) in UnicodeData.Mappings("canonical"))
        {
            Canonical[rune] = value;
            if (!apart)
                Compositions[Pair(value[0], value[1])] = rune;
        }
        foreach (var (rune, _, value) in UnicodeData.Mappings("compatibility"))
            Compatibility[rune] = value;
    }

    /// <summary>Normalises a text in place.</summary>
    public static void Normalize(AlignedText text, bool compose, bool compatibility)
    {
        if (!text.Runes.ContainsAnyExceptInRange(0, 0x7F))
            return;
        var marks = new List<Symbol>(text.Count + 16);
        foreach (var rune in text.Runes)
        {
            var first = true;
            Decompose(rune, compatibility, marks, ref first);
        }
        Reorder(marks);
        if (compose)
            Compose(marks);
        var source = 0;
        foreach (var (rune, _, change) in marks)
        {
            text.Emit(rune, change > 0 ? source - 1 : source);
            if (change <= 0)
                source += 1 - change;
        }
        text.Commit();
    }

    private static void Decompose(int rune, bool compatibility, List<Symbol> output, ref bool first)
    {
        if (rune is >= SBase and < SBase + LCount * VCount * TCount)
        {
            var index = rune - SBase;
            Push(LBase + index / (VCount * TCount), output, ref first);
            Push(VBase + index % (VCount * TCount) / TCount, output, ref first);
            if (index % TCount > 0)
                Push(TBase + index % TCount, output, ref first);
        }
        else if (rune >= 0x80 && (Canonical.TryGetValue(rune, out var parts) || compatibility && Compatibility.TryGetValue(rune, out parts)))
        {
            foreach (var part in parts)
                Decompose(part, compatibility, output, ref first);
        }
        else
        {
            Push(rune, output, ref first);
        }
    }

    private static void Push(int rune, List<Symbol> output, ref bool first)
    {
        output.Add(new Symbol(rune, UnicodeData.CombiningClass(rune), first ? 0 : 1));
        first = false;
    }

    // Sorts every run of marks by combining class; equal classes keep their order.
    private static void Reorder(List<Symbol> symbols)
    {
        for (var i = 1; i < symbols.Count; i++)
        {
            var symbol = symbols[i];
            if (symbol.Class == 0)
                continue;
            var j = i;
            for (; j > 0 && symbols[j - 1].Class > symbol.Class; j--)
                symbols[j] = symbols[j - 1];
            symbols[j] = symbol;
        }
    }

    private static void Compose(List<Symbol> symbols)
    {
        int write = 0, starter = -1, lastClass = -1;
        for (var read = 0; read < symbols.Count; read++)
        {
            var symbol = symbols[read];
            // lastClass -1: nothing stands between the starter and this code point.
            if (starter >= 0 && lastClass < symbol.Class && TryCompose(symbols[starter].Rune, symbol.Rune, out var composed))
            {
                symbols[starter] = new Symbol(composed, 0, symbols[starter].Change + symbol.Change - 1);
                continue;
            }
            if (symbol.Class == 0)
                (starter, lastClass) = (write, -1);
            else
                lastClass = symbol.Class;
            symbols[write++] = symbol;
        }
        symbols.RemoveRange(write, symbols.Count - write);
    }

    private static bool TryCompose(int first, int second, out int composed)
    {
        if (first is >= LBase and < LBase + LCount && second is >= VBase and < VBase + VCount)
        {
            composed = SBase + ((first - LBase) * VCount + second - VBase) * TCount;
            return true;
        }
        if (first is >= SBase and < SBase + LCount * VCount * TCount && (first - SBase) % TCount == 0 && second is > TBase and < TBase + TCount)
        {
            composed = first + second - TBase;
            return true;
        }
        return Compositions.TryGetValue(Pair(first, second), out composed);
    }

    private static long Pair(int first, int second) => (long)first << 32 | (uint)second;

    private readonly record struct Symbol(int Rune, byte Class, int Change);
}
