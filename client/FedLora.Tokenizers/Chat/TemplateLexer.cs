using System.Globalization;
using System.Text;

namespace FedLora.Tokenizers.Chat;

internal enum TokenKind
{
    /// <summary>Text between tags.</summary>
    Text,

    /// <summary><c>{{</c> or <c>{%</c>.</summary>
    Begin,

    /// <summary><c>}}</c> or <c>%}</c>.</summary>
    End,
    Name,
    String,
    Number,
    Operator,
    EndOfTemplate,
}

/// <summary>One token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">As it stands; of a string what it means.</param>
/// <param name="Line">From 1.</param>
/// <param name="Value">Of a number.</param>
internal sealed record TemplateToken(TokenKind Kind, string Text, int Line, object? Value = null);

/// <summary>
/// Parts a template into tokens, with the white space rules under which chat templates are written: <c>trim_blocks</c> and
/// <c>lstrip_blocks</c> are on, as transformers sets them,
/// and <c>-</c> and <c>+</c> in a tag override them.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators =
        ["==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">", "=", ".", ",", ":", "|", "(", ")", "[", "]", "{", "}"];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _counted;
    private int _line = 1;

    private TemplateLexer(string source) => _source = source;

    public static IReadOnlyList<TemplateToken> Read(string source)
    {
        var text = source.ReplaceLineEndings("\n");
        var lexer = new TemplateLexer(text.EndsWith('\n') ? text[..^1] : text);
        lexer.Run();
        return lexer._tokens;
    }

    // Counted on from where it was asked for last: never from the beginning for each token.
    private int Line
    {
        get
        {
            _line += _source.AsSpan(_counted.._at).Count('\n');
            _counted = _at;
            return _line;
        }
    }

    private void Run()
    {
        var atLineStart = true;
        while (true)
        {
            var tag = NextTag();
            var end = tag < 0 ? _source.Length : tag;
            var text = _source[_at..end];
            if (tag >= 0)
                text = Before(text, tag, atLineStart);
            if (text.Length > 0)
                Add(TokenKind.Text, text);
            if (tag < 0)
                break;
            _at = tag;
            atLineStart = Tag();
        }
        _at = _source.Length;
        Add(TokenKind.EndOfTemplate, "");
    }

    private int NextTag()
    {
        for (var i = _source.IndexOf('{', _at); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '{' or '%' or '#')
                return i;
        }
        return -1;
    }

    private string Before(string text, int tag, bool atLineStart)
    {
        var sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
        if (sign == '-')
            return text.TrimEnd();
        if (sign == '+' || _source[tag + 1] == '{')
            return text;
        var line = text.LastIndexOf('\n') + 1;
        return (line > 0 || atLineStart) && text.AsSpan(line).IsWhiteSpace() ? text[..line] : text;
    }

    /// <summary>Reads a tag and the white space that it takes with it; says whether a line begins behind it.</summary>
    private bool Tag()
    {
        var kind = _source[_at + 1];
        if (kind == '#')
        {
            var close = _source.IndexOf("#}", _at + 2, StringComparison.Ordinal);
            if (close < 0)
                throw Error("has a comment without an end");
            _at = close;
            return Close(_source[close - 1] == '-' ? '-' : ' ', '#');
        }
        var begin = Line;
        _at += 2;
        if (_at < _source.Length && _source[_at] is '-' or '+')
            _at++;
        _tokens.Add(new TemplateToken(TokenKind.Begin, kind == '{' ? "{{" : "{%", begin));
        var sign = Inside(kind);
        Add(TokenKind.End, "");
        var raw = kind == '%' && _tokens is [.., { Kind: TokenKind.Begin }, { Text: "raw" }, { Kind: TokenKind.End }];
        var newLine = Close(sign, kind);
        return raw ? Raw() : newLine;
    }

    // {% raw %}: text up to {% endraw %}.
    private bool Raw()
    {
        _tokens.RemoveRange(_tokens.Count - 3, 3);
        var begin = _at;
        for (var i = NextTag(); i >= 0; i = NextTag())
        {
            _at = i;
            if (EndOfRaw(i) is { } close)
            {
                _tokens.Add(new TemplateToken(TokenKind.Text, Before(_source[begin..i], i, atLineStart: false), Line));
                _at = close;
                return Close(_source[close - 1], '%');
            }
            _at++;
        }
        throw Error("has a raw block without an end");
    }

    /// <summary>Where <c>{% endraw %}</c> closes that begins here; null where another tag does.</summary>
    private int? EndOfRaw(int tag)
    {
        var word = Behind(tag + 2);
        if (_source[tag + 1] != '%' || !_source.AsSpan(word).StartsWith("endraw"))
            return null;
        var close = Behind(word + "endraw".Length);
        return _source.AsSpan(close).StartsWith("%}") ? close : null;

        int Behind(int at)
        {
            while (at < _source.Length && _source[at] is '-' or '+' or ' ' or '\n')
                at++;
            return at;
        }
    }

    private static int LengthOfName(ReadOnlySpan<char> text)
    {
        var length = 0;
        while (length < text.Length && (char.IsLetterOrDigit(text[length]) || text[length] == '_'))
            length++;
        return length;
    }

    private char Inside(char kind)
    {
        var end = kind == '{' ? "}}" : "%}";
        for (var depth = 0; ;)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
                _at++;
            if (_at >= _source.Length)
                throw Error("has a tag without an end");
            var rest = _source.AsSpan(_at);
            if (depth == 0 && rest.StartsWith(end))
                return ' ';
            if (depth == 0 && rest[0] is '-' or '+' && rest[1..].StartsWith(end))
                return _source[_at++];
            if (rest[0] is '\'' or '"')
                String();
            else if (char.IsAsciiDigit(rest[0]))
                Number();
            else if (char.IsLetter(rest[0]) || rest[0] == '_')
                Take(TokenKind.Name, LengthOfName(rest));
            else if (Array.Find(Operators, op => _source.AsSpan(_at).StartsWith(op)) is { } found)
            {
                depth += found is "{" or "(" or "[" ? 1 : found is "}" or ")" or "]" ? -1 : 0;
                Take(TokenKind.Operator, found.Length);
            }
            else
                throw Error($"has an unexpected '{rest[0]}'");
        }
    }

    private bool Close(char sign, char kind)
    {
        _at += 2;
        var begin = _at;
        if (sign == '-')
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
                _at++;
        }
        else if (sign != '+' && kind != '{' && _at < _source.Length && _source[_at] == '\n')
            _at++;
        return _at > begin && _source[_at - 1] == '\n';
    }

    private void String()
    {
        var (quote, text, line) = (_source[_at++], new StringBuilder(), Line);
        while (_at < _source.Length && _source[_at] != quote)
        {
            if (_source[_at] != '\\' || _at + 1 >= _source.Length)
            {
                text.Append(_source[_at++]);
                continue;
            }
            _at += 2;
            text.Append(_source[_at - 1] switch
            {
                'n' => "\n",
                't' => "\t",
                'r' => "\r",
                'b' => "\b",
                'f' => "\f",
                '\n' => "",
                'u' => Hex(4),
                'U' => Hex(8),
                'x' => Hex(2),
                '\\' or '\'' or '"' => _source[_at - 1].ToString(),
                var other => $"\\{other}",
            });
        }
        if (_at >= _source.Length)
            throw Error("has a text without an end");
        _at++;
        _tokens.Add(new TemplateToken(TokenKind.String, text.ToString(), line));
    }

    private string Hex(int digits)
    {
        if (_at + digits > _source.Length
            || !int.TryParse(_source.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                || !Rune.IsValid(code))
            throw Error("has an escape that is no character");
        _at += digits;
        return char.ConvertFromUtf32(code);
    }

    private void Number()
    {
        var length = 0;
        while (_at + length < _source.Length && (char.IsAsciiDigit(_source[_at + length]) || _source[_at + length] == '_'))
            length++;
        var whole = true;
        if (_at + length + 1 < _source.Length && _source[_at + length] == '.' && char.IsAsciiDigit(_source[_at + length + 1]))
        {
            whole = false;
            for (length++; _at + length < _source.Length && char.IsAsciiDigit(_source[_at + length]);)
                length++;
        }
        var text = _source.Substring(_at, length).Replace("_", "", StringComparison.Ordinal);
        if (whole && !long.TryParse(text, CultureInfo.InvariantCulture, out _))
            throw Error("has a number that is too large");
        _tokens.Add(new TemplateToken(TokenKind.Number, text, Line, whole ? (object)long.Parse(text, CultureInfo.InvariantCulture)
            : double.Parse(text, CultureInfo.InvariantCulture)));
        _at += length;
    }

    private void Take(TokenKind kind, int length)
    {
        Add(kind, _source.Substring(_at, length));
        _at += length;
    }

    private void Add(TokenKind kind, string text) => _tokens.Add(new TemplateToken(kind, text, Line));

    private TemplateException Error(string what) => new(Line, what);
}

/// <summary>What is wrong with a template, or what it says of its input.</summary>
internal sealed class TemplateException(int line, string what) : Exception(line > 0 ? $"line {line} {what}" : what)
{
    /// <summary>Whether it says where.</summary>
    public bool HasLine => line > 0;
}
