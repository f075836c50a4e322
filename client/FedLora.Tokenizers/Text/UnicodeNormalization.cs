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
    private static readonly PairTable Compositions = new();
    private static readonly HashSet<int> Followers = [];
    private static readonly RuneSet[] Stable = [.. Enumerable.Range(0, 4)
        .Select(form => new RuneSet(rune => IsStable(rune, (form & 1) != 0, (form & 2) != 0)))];

    static UnicodeNormalization()
    {
        foreach (var (rune, apart, value) in UnicodeData.Mappings("canonical"))
        {
            Canonical[rune] = value;
            if (apart)
                continue;
            Compositions.Set(value[0], value[1], rune, 0);
            Followers.Add(value[1]);
        }
        foreach (var (rune, _, value) in UnicodeData.Mappings("compatibility"))
            Compatibility[rune] = value;
    }

    /// <summary>Normalises a text in place.</summary>
    public static void Normalize(AlignedText text, bool compose, bool compatibility)
    {
        var stable = Stable[Form(compose, compatibility)];
        var runes = text.Runes;
        List<Symbol>? symbols = null;
        var done = 0;
        for (var i = 0; i < runes.Length; i++)
        {
            if (stable.Contains(runes[i]))
                continue;
            // Only from the code point before, which marks may change, to the next that nothing before it can.
            var start = Math.Max(i - 1, done);
            while (i < runes.Length && !stable.Contains(runes[i]))
                i++;
            text.EmitRange(done, start - done);
            symbols ??= [];
            Change(runes[start..i], compose, compatibility, symbols);
            Emit(text, start, symbols);
            done = i;
        }
        if (symbols is null)
            return;
        text.EmitRange(done, runes.Length - done);
        text.Commit();
    }

    private static int Form(bool compose, bool compatibility) => (compose ? 1 : 0) | (compatibility ? 2 : 0);

    // Stable: it stays as it is, whatever stands before it; and of what stands behind it only what is not stable can change it.
    private static bool IsStable(int rune, bool compose, bool compatibility)
    {
        if (rune < 0x80)
            return true;
        if (UnicodeData.CombiningClass(rune) != 0 || rune is >= VBase and < VBase + VCount or > TBase and < TBase + TCount
            || Followers.Contains(rune))
            return false;
        var symbols = new List<Symbol>();
        Change([rune], compose, compatibility, symbols);
        return symbols is [{ Change: 0 } only] && only.Rune == rune;
    }

    private static void Change(ReadOnlySpan<int> runes, bool compose, bool compatibility, List<Symbol> symbols)
    {
        symbols.Clear();
        foreach (var rune in runes)
        {
            var first = true;
            Decompose(rune, compatibility, symbols, ref first);
        }
        Reorder(symbols);
        if (compose)
            Compose(symbols);
    }

    private static void Emit(AlignedText text, int source, List<Symbol> symbols)
    {
        foreach (var (rune, _, change) in symbols)
        {
            text.Emit(rune, change > 0 ? source - 1 : source);
            if (change <= 0)
                source += 1 - change;
        }
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
        else if (rune >= 0x80
            && (Canonical.TryGetValue(rune, out var parts) || compatibility && Compatibility.TryGetValue(rune, out parts)))
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
        if (first is >= SBase and < SBase + LCount * VCount * TCount && (first - SBase) % TCount == 0
            && second is > TBase and < TBase + TCount)
        {
            composed = first + second - TBase;
            return true;
        }
        return Compositions.TryGet(first, second, out composed, out _);
    }

    private readonly record struct Symbol(int Rune, byte Class, int Change);
}
