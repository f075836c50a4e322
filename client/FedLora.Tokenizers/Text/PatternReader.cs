using System.Globalization;
using System.Text;

namespace FedLora.Tokenizers.Text;

/// <summary>Reads the characters, escapes and classes of a regular expression.</summary>
internal sealed class PatternReader(string pattern)
{
    private readonly int[] _runes = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];
    private int _position;

    public bool AtEnd => _position == _runes.Length;

    /// <summary>The next code point, or -1.</summary>
    public int Peek => AtEnd ? -1 : _runes[_position];

    public int Next() => AtEnd ? throw Error("an end too early") : _runes[_position++];

    public bool Take(int rune)
    {
        if (Peek != rune)
            return false;
        _position++;
        return true;
    }

    public FormatException Error(string what) => new($"the pattern {pattern} has {what} at character {_position}");

    /// <summary>"{2}", "{2,}", "{,3}" or "{2,3}"; else nothing is read (a brace alone is itself).</summary>
    public bool Counts(out int minimum, out int maximum)
    {
        (minimum, maximum) = (0, -1);
        var close = Peek == '{' ? Array.IndexOf(_runes, '}', _position) : -1;
        if (close < 0)
            return false;
        var parts = Text(_position + 1, close).Split(',');
        if (parts.Length > 2 || parts.All(part => part.Length == 0) || !parts.All(part => part.All(char.IsAsciiDigit) && part.Length < 6))
            return false;
        minimum = parts[0].Length > 0 ? int.Parse(parts[0], CultureInfo.InvariantCulture) : 0;
        maximum = parts.Length == 1 ? minimum : parts[1].Length > 0 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : -1;
        if (maximum >= 0 && maximum < minimum)
            throw Error("a repetition that ends before it begins");
        _position = close + 1;
        return true;
    }

    /// <summary>What stands behind a backslash, if it is a set: \s \S \d \D \w \W \h \p{..} \P{..}; else nothing is read.</summary>
    public RuneSet? EscapedSet()
    {
        var kind = Peek;
        RuneSet? set = (kind | 32) switch
        {
            's' => UnicodeData.WhiteSpace,
            'w' => UnicodeData.Word,
            'd' => new RuneSet(rune => CharUnicodeInfo.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber),
            'h' => new RuneSet(rune => rune < 128 && char.IsAsciiHexDigit((char)rune)),
            'p' => null,
            _ => null,
        };
        if (set is null && kind is not ('p' or 'P'))
            return null;
        _position++;
        return kind is 'p' or 'P' ? Property(kind == 'P') : kind < 'a' ? Not(set!) : set;
    }

    /// <summary>The one code point that stands behind a backslash.</summary>
    public int EscapedRune()
    {
        var rune = Next();
        switch (rune)
        {
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return 0x1B;
            case '0': return 0;
            case 'u': return Hex(4);
            case 'x' when Take('{'):
                var close = Array.IndexOf(_runes, '}', _position);
                var value = Hex(close - _position);
                _position++;
                return value;
            case 'x': return Hex(2);
            case < 128 when char.IsAsciiLetterOrDigit((char)rune): throw Error($"the escape \\{(char)rune}, which is not known here,");
            default: return rune;
        }
    }

    /// <summary>A class in brackets; the opening one has been read.</summary>
    public RuneSet Class(bool ignoreCase)
    {
        var negative = Take('^');
        var singles = new List<int>();
        var ranges = new List<(int First, int Last)>();
        var sets = new List<RuneSet>();
        for (var first = true; first || Peek != ']'; first = false)
        {
            var rune = Next();
            if (rune == '[' && Peek == ':')
                throw Error("a POSIX class, which is not known here,");
            if (rune == '[')
            {
                sets.Add(Class(ignoreCase));
                continue;
            }
            if (rune == '&' && Peek == '&')
            {
                _position++;
                var left = Union(singles, ranges, sets, ignoreCase);
                var right = Class(ignoreCase);
                return negative ? new RuneSet(r => !(left.Contains(r) && right.Contains(r)))
                    : new RuneSet(r => left.Contains(r) && right.Contains(r));
            }
            if (rune == '\\')
            {
                if (EscapedSet() is { } set)
                {
                    sets.Add(set);
                    continue;
                }
                rune = Peek == 'b' && Take('b') ? '\b' : EscapedRune();
            }
            if (Peek == '-' && _position + 1 < _runes.Length && _runes[_position + 1] != ']')
            {
                _position++;
                var last = Next();
                if (last == '\\')
                    last = EscapedRune();
                if (last < rune)
                    throw Error("a range that ends before it begins");
                ranges.Add((rune, last));
            }
            else
            {
                singles.Add(rune);
            }
        }
        _position++;
        var union = Union(singles, ranges, sets, ignoreCase);
        return negative ? Not(union) : union;
    }

    /// <summary>All code points that are equal to one of these but for case (simple folding).</summary>
    public static HashSet<int> Fold(IEnumerable<int> runes)
    {
        var folded = runes.Select(Folded).ToHashSet();
        var all = new HashSet<int>();
        for (var rune = 0; rune < 0x1F000; rune++)
        {
            if (Rune.IsValid(rune) && folded.Contains(Folded(rune)))
                all.Add(rune);
        }
        return all;
    }

    private static int Folded(int rune) => Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(rune))).Value;

    private static RuneSet Union(List<int> singles, List<(int First, int Last)> ranges, List<RuneSet> sets, bool ignoreCase)
    {
        if (ignoreCase)
            singles = [
                .. Fold(
                    singles.Concat(
                        ranges.Where(range => range.Last - range.First < 0x400)
                            .SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1))).Where(Rune.IsValid))];
        var known = singles.ToHashSet();
        return new RuneSet(
            rune => known.Contains(rune) || ranges.Exists(range => rune >= range.First && rune <= range.Last)
                || sets.Exists(set => set.Contains(rune)));
    }

    private static RuneSet Not(RuneSet set) => new(rune => !set.Contains(rune));

    private RuneSet Property(bool negative)
    {
        string name;
        if (Take('{'))
        {
            negative ^= Take('^');
            var close = Array.IndexOf(_runes, '}', _position);
            if (close < 0)
                throw Error("a property that is not closed");
            name = Text(_position, close);
            _position = close + 1;
        }
        else
        {
            name = char.ConvertFromUtf32(Next());
        }
        var predicate = UnicodeProperties.Find(name) ?? throw Error($"the property \\p{{{name}}}, which is not known here,");
        return negative ? new RuneSet(rune => !predicate(rune)) : new RuneSet(predicate);
    }

    private int Hex(int digits)
    {
        if (digits is < 1 or > 6 || _position + digits > _runes.Length
            || !int.TryParse(Text(_position, _position + digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out var value))
            throw Error("a code point that is not hexadecimal");
        _position += digits;
        return value;
    }

    private string Text(int start, int end) => string.Concat(_runes.AsSpan(start, end - start).ToArray().Select(char.ConvertFromUtf32));
}
