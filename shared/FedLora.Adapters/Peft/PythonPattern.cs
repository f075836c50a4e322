using System.Globalization;
using System.Text;

namespace FedLora.Adapters;

/// <summary>
/// Regular expressions as Python's <c>re</c> reads them (PEFT's <c>target_modules</c>, patterns of rank and alpha), for .NET's engine: the
/// same groups, numbered from the left with the named ones among them. What only .NET knows is refused, since PEFT would refuse it.
/// </summary>
internal sealed class PythonPattern
{
    private readonly string _pattern;
    private readonly StringBuilder _result = new();
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private int _at;
    private int _groups;

    private PythonPattern(string pattern) => _pattern = pattern;

    /// <summary>The pattern in .NET's spelling.</summary>
    /// <exception cref="FormatException">Says what Python does otherwise.</exception>
    public static string Translate(string pattern)
    {
        var translation = new PythonPattern(pattern);
        while (translation._at < pattern.Length)
            translation.Next();
        return translation._result.ToString();
    }

    private void Next()
    {
        switch (_pattern[_at])
        {
            case '\\':
                Escape(inClass: false);
                break;
            case '[':
                Class();
                break;
            case '(' when Is("(?"):
                Extension();
                break;
            case '(':
                _groups++;
                Copy(1);
                break;
            case '*' or '+' or '?':
                Copy(1);
                AfterQuantifier();
                break;
            case '{' when Repeat() is { } length:
                // {,n} counts from 0, which .NET takes for text.
                _result.Append(_pattern[_at + 1] == ',' ? "{0" : "{");
                _at++;
                Copy(length - 1);
                AfterQuantifier();
                break;
            default:
                Copy(1);
                break;
        }
    }

    private void Escape(bool inClass)
    {
        if (_at + 1 == _pattern.Length)
            throw new FormatException("it ends in a backslash");
        var letter = _pattern[_at + 1];
        if (letter == 'Z' && !inClass)
        {
            // .NET's \Z would take a line break behind.
            _result.Append("\\z");
            _at += 2;
            return;
        }
        if (char.IsAsciiLetter(letter) && !(inClass ? "dDsSwWabfnrtvxu" : "AbBdDsSwWafnrtvxu").Contains(letter, StringComparison.Ordinal))
            throw new FormatException($"Python's re has no '\\{letter}'{(inClass ? " in a set" : "")}");
        Copy(2);
    }

    private void Class()
    {
        Copy(Is("[^") ? 2 : 1);
        for (var first = true; _at < _pattern.Length && (first || _pattern[_at] != ']'); first = false)
        {
            if (_pattern[_at] == '\\')
                Escape(inClass: true);
            else if (_pattern[_at] is '[' or ']')
            {
                // .NET would subtract one set from the other.
                _result.Append('\\');
                Copy(1);
            }
            else
                Copy(1);
        }
        if (_at == _pattern.Length)
            throw new FormatException("a set [ is not closed");
        Copy(1);
    }

    private void Extension()
    {
        if (Is("(?P<"))
        {
            var name = Until('>', 4);
            if (!_names.TryAdd(name, ++_groups))
                throw new FormatException($"the group '{name}' comes twice");
            _result.Append('(');
        }
        else if (Is("(?P="))
            _result.Append(CultureInfo.InvariantCulture, $"(?:\\{Number(Until(')', 4))})");
        else if (Is("(?("))
            _result.Append(CultureInfo.InvariantCulture, $"(?({Number(Until(')', 3))})");
        else if (Is("(?#"))
            Until(')', 3);
        else if (Is("(?:") || Is("(?=") || Is("(?!") || Is("(?>"))
            Copy(3);
        else if (Is("(?<=") || Is("(?<!"))
            Copy(4);
        else if (Is("(?<") || Is("(?'"))
            throw new FormatException("Python's re names a group (?P<name>...), not (?<name>...)");
        else
            Flags();
    }

    private void Flags()
    {
        var end = _at + 2;
        while (end < _pattern.Length && (char.IsAsciiLetter(_pattern[end]) || _pattern[end] == '-'))
            end++;
        var flags = _pattern[(_at + 2)..end];
        if (end == _pattern.Length || _pattern[end] is not (')' or ':') || flags.Any(f => !"imsux-".Contains(f, StringComparison.Ordinal)))
            throw new FormatException(
                $"'(?{flags}' is not understood; known are (?P<name>...), (?P=name), (?:...), (?=...), (?!...), (?<=...), (?<!...), "
                    + $"(?>...), (?(1)...) and the flags i, m, s, u, x");
        // u is what both do anyway; .NET knows no list without flags.
        flags = flags.Replace("u", "", StringComparison.Ordinal);
        if (flags.Length > 0 || _pattern[end] == ':')
            _result.Append("(?").Append(flags).Append(_pattern[end]);
        _at = end + 1;
    }

    private void AfterQuantifier()
    {
        if (_at < _pattern.Length && _pattern[_at] == '+')
            throw new FormatException("possessive quantifiers such as a++ are not supported; write (?>a+)");
        if (_at < _pattern.Length && _pattern[_at] == '?')
            Copy(1);
    }

    /// <summary>How long the {m}, {m,}, {,n} or {m,n} here is; null where the brace is text.</summary>
    private int? Repeat()
    {
        var end = _pattern.IndexOf('}', _at);
        if (end < 0)
            return null;
        var inside = _pattern[(_at + 1)..end];
        return inside.Length > 0 && inside.Count(c => c == ',') <= 1 && inside.All(c => char.IsAsciiDigit(c) || c == ',') ? end - _at + 1
            : null;
    }

    private string Number(string group) => char.IsAsciiDigit(group.FirstOrDefault()) ? group
        : _names.TryGetValue(group, out var number) ? number.ToString(CultureInfo.InvariantCulture)
        : throw new FormatException($"there is no group '{group}' before its use");

    private string Until(char close, int start)
    {
        var end = _pattern.IndexOf(close, _at + start);
        if (end < 0)
            throw new FormatException($"'{_pattern[_at..]}' lacks a '{close}'");
        var text = _pattern[(_at + start)..end];
        _at = end + 1;
        return text;
    }

    private bool Is(string text) => _pattern.AsSpan(_at).StartsWith(text, StringComparison.Ordinal);

    private void Copy(int length)
    {
        _result.Append(_pattern, _at, length);
        _at += length;
    }
}
