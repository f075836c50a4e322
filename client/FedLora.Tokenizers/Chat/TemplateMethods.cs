namespace FedLora.Tokenizers.Chat;

/// <summary>Methods of texts and dictionaries that chat templates call. Those that would change their value are not there, as in Jinja's
/// immutable sandbox.</summary>
internal static class TemplateMethods
{
    private static readonly char[] White = [' ', '\t', '\n', '\r', '\v', '\f'];

    /// <summary>A method of a value; null where it has none of this name.</summary>
    public static TemplateFunction? Of(object? value, string name, TemplateBounds bounds) => value switch
    {
        string text => OfText(text, name, bounds),
        IReadOnlyDictionary<string, object?> fields => OfFields(fields, name, bounds),
        IReadOnlyList<object?> items => name switch
        {
            "index" => (given, _) => (long)items.Index().First(item => TemplateValues.Equals(item.Item, given[0], bounds)).Index,
            "count" => (given, _) => (long)items.Count(item => TemplateValues.Equals(item, given[0], bounds)),
            _ => null,
        },
        _ => null,
    };

    private static TemplateFunction? OfText(string text, string name, TemplateBounds bounds) =>
        OfText(text, name, bounds, new TemplateTexts(bounds)) is { } method ? (given, named) =>
        {
            // Each goes through the text, or makes one as long.
            bounds.Spend(text.Length + TemplateBounds.Item);
            return method(given, named);
        }
    : null;

    private static TemplateFunction? OfText(string text, string name, TemplateBounds bounds, TemplateTexts texts) => name switch
    {
        "strip" => (given, _) => text.Trim(Set(text, given, bounds)),
        "lstrip" => (given, _) => text.TrimStart(Set(text, given, bounds)),
        "rstrip" => (given, _) => text.TrimEnd(Set(text, given, bounds)),
        "startswith" => (given, _) => Any(given, part => text.StartsWith(part, StringComparison.Ordinal)),
        "endswith" => (given, _) => Any(given, part => text.EndsWith(part, StringComparison.Ordinal)),
        "split" => (given, named) => Split(text, given, named, last: false, bounds),
        "rsplit" => (given, named) => Split(text, given, named, last: true, bounds),
        "splitlines" => (_, _) => (object?[])[.. texts.Parts(text.EndsWith('\n') ? text[..^1] : text, "\n").Where(_ => text.Length > 0)],
        "upper" => (_, _) => text.ToUpperInvariant(),
        "lower" => (_, _) => text.ToLowerInvariant(),
        "capitalize" => (_, _) => Capital(text),
        "title" => (_, _) => string.Join(' ', texts.Parts(text, " ").Select(Capital)),
        "replace" => (given, _) => texts.Replace(text, Text(given, 0), Text(given, 1),
            given.Count > 2 ? TemplateValues.Whole(given[2]) : null),
        "removeprefix" => (given, _) => text.StartsWith(Text(given, 0), StringComparison.Ordinal) ? text[Text(given, 0).Length..] : text,
        "removesuffix" => (given, _) => text.EndsWith(Text(given, 0), StringComparison.Ordinal) ? text[..^Text(given, 0).Length] : text,
        "find" => (given, _) => texts.Find(text, Text(given, 0)) is >= 0 and var at ? TemplateValues.Length(text[..at], bounds) : -1L,
        "count" => (given, _) => texts.Count(text, Text(given, 0)),
        "join" => (given, _) => texts.Join(text, TemplateValues.Items(given[0], bounds)),
        "isdigit" => (_, _) => text.Length > 0 && text.All(char.IsDigit),
        "isspace" => (_, _) => text.Length > 0 && text.All(char.IsWhiteSpace),
        "isupper" => (_, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        "islower" => (_, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
        _ => null,
    };

    private static TemplateFunction? OfFields(IReadOnlyDictionary<string, object?> fields, string name,
        TemplateBounds bounds) => name switch
        {
            "get" => (given, named) => fields.TryGetValue(Text(given, 0), out var value) ? value : given.Count > 1 ? given[1]
                : named.GetValueOrDefault("default"),
            "items" => (_, _) => (object?[])[.. Counted(fields, bounds).Select(field => (object?[])[field.Key, field.Value])],
            "keys" => (_, _) => (object?[])[.. Counted(fields, bounds).Keys],
            "values" => (_, _) => (object?[])[.. Counted(fields, bounds).Values],
            _ => null,
        };

    public static string Capital(string text) => text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    private static IReadOnlyDictionary<string, object?> Counted(IReadOnlyDictionary<string, object?> fields, TemplateBounds bounds)
    {
        bounds.Spend((long)fields.Count * TemplateBounds.Item);
        return fields;
    }

    /// <summary>An argument that must be a text.</summary>
    public static string Text(IReadOnlyList<object?> given, int index) =>
        index < given.Count && given[index] is string text ? text
            : throw new TemplateException(0, $"calls a method whose argument {index + 1} must be a text");

    /// <summary>The characters that are stripped off a text.</summary>
    public static char[] Set(string text, IReadOnlyList<object?> given, TemplateBounds bounds)
    {
        if (given.Count == 0 || given[0] is null)
            return White;
        bounds.Search(text, Text(given, 0));
        return Text(given, 0).ToCharArray();
    }

    private static bool Any(IReadOnlyList<object?> given, Func<string, bool> holds) =>
        given[0] is IReadOnlyList<object?> several ? several.OfType<string>().Any(holds) : holds(Text(given, 0));

    private static object?[] Split(string text, IReadOnlyList<object?> given, IReadOnlyDictionary<string, object?> named, bool last,
        TemplateBounds bounds)
    {
        var separator = given.Count > 0 ? given[0] : named.GetValueOrDefault("sep");
        var most = TemplateValues.Whole(given.Count > 1 ? given[1] : named.GetValueOrDefault("maxsplit")) ?? -1;
        if (separator is null)
        {
            bounds.Spend((long)text.Length * TemplateBounds.Item);
            return [.. text.Split(White, StringSplitOptions.RemoveEmptyEntries)];
        }
        if (separator is not string { Length: > 0 } by)
            throw new TemplateException(0, "splits a text by nothing");
        var parts = new TemplateTexts(bounds).Parts(text, by);
        if (most < 0 || parts.Length - 1 <= most)
            return [.. parts];
        var keep = (int)most;
        return last ? [string.Join(by, parts[..^keep]), .. parts[^keep..]] : [.. parts[..keep], string.Join(by, parts[keep..])];
    }
}
