using System.Globalization;

namespace FedLora.Tokenizers.Chat;

/// <summary>Jinja's filters and tests that chat templates use.</summary>
internal static class TemplateFilters
{
    private static readonly char[] _white = [' ', '\t', '\n', '\r', '\v', '\f'];

    /// <summary>value | name(arguments).</summary>
    public static object? Apply(string name, object? value, IReadOnlyList<object?> given, IReadOnlyDictionary<string, object?> named) =>
        name switch
        {
            "trim" => TemplateValues.Text(value).Trim(given.Count > 0 ? TemplateMethods.Text(given, 0).ToCharArray() : _white),
            "upper" => TemplateValues.Text(value).ToUpperInvariant(),
            "lower" => TemplateValues.Text(value).ToLowerInvariant(),
            "capitalize" => TemplateMethods.Capital(TemplateValues.Text(value)),
            "title" => string.Join(' ', TemplateValues.Text(value).Split(' ').Select(TemplateMethods.Capital)),
            "string" => TemplateValues.Text(value),
            "safe" => value,
            "length" or "count" => TemplateValues.Length(value),
            "first" => TemplateValues.Items(value) is [var first, ..] ? first : Undefined.Named("first"),
            "last" => TemplateValues.Items(value) is [.., var last] ? last : Undefined.Named("last"),
            "list" => (object?[])[.. TemplateValues.Items(value)],
            "reverse" => value is string text ? string.Concat(TemplateValues.Items(text).Reverse())
                : (object?[])[.. TemplateValues.Items(value).Reverse()],
            "join" => string.Join(given.Count > 0 ? TemplateValues.Text(given[0])
                : "", Mapped(value, given.Count > 1 ? given[1] : named.GetValueOrDefault("attribute")).Select(TemplateValues.Text)),
            "replace" => TemplateMethods.Replace(TemplateValues.Text(value), TemplateMethods.Text(given, 0), TemplateMethods.Text(given, 1),
                given.Count > 2 ? TemplateValues.Whole(given[2]) : null),
            "tojson" => TemplateJson.Write(value, TemplateValues.Whole(given.Count > 0 ? given[0] : named.GetValueOrDefault("indent")),
                TemplateValues.IsTrue(named.GetValueOrDefault("sort_keys"))),
            "default" or "d" => value is Undefined || (Flag(given, 1, named, "boolean") && !TemplateValues.IsTrue(value)) ? given.Count > 0
                ? given[0] : named.GetValueOrDefault("default_value") ?? "" : value,
            "items" => value is Undefined ? (object?[])[] : TemplateMethods.Of(value, "items") is { } items ? items([], named)
                : throw new TemplateException(0, $"takes the items of {TemplateValues.Kind(value)}"),
            "dictsort" => (object?[])[.. Fields(value).OrderBy(field => field.Key, StringComparer.OrdinalIgnoreCase)
            .Select(field => (object?[])[field.Key, field.Value])],
            "map" => named.TryGetValue("attribute", out var attribute) ? (object?[])[.. Mapped(value, attribute)]
                : (object?[])[.. TemplateValues.Items(value)
                .Select(item => Apply(TemplateMethods.Text(given, 0), item, [.. given.Skip(1)], named))],
            "select" => Chosen(value, given, byField: false, wanted: true),
            "reject" => Chosen(value, given, byField: false, wanted: false),
            "selectattr" => Chosen(value, given, byField: true, wanted: true),
            "rejectattr" => Chosen(value, given, byField: true, wanted: false),
            "unique" => (object?[])[.. TemplateValues.Items(value)
            .Aggregate(new List<object?>(), (found, item) => found.Any(other => TemplateValues.Equals(other, item)) ? found
                : [.. found, item])],
            "sort" => (object?[])[.. TemplateValues.Items(value).Order(Comparer<object?>.Create(TemplateValues.Compare))],
            "sum" => TemplateValues.Items(value).Aggregate((object?)0L, TemplateValues.Add),
            "min" =>
                TemplateValues.Items(value).Order(Comparer<object?>.Create(TemplateValues.Compare)).FirstOrDefault(Undefined.Named("min")),
            "max" => TemplateValues.Items(value).OrderDescending(Comparer<object?>.Create(TemplateValues.Compare))
                .FirstOrDefault(Undefined.Named("max")),
            "abs" => TemplateValues.Calculate(value, 0L, (a, _) => Math.Abs(a), (a, _) => Math.Abs(a)),
            "int" => Whole(value, given),
            "float" => TemplateValues.Number(value)
                ?? (double.TryParse(value as string, CultureInfo.InvariantCulture, out var number) ? number : 0.0),
            "indent" => Indented(TemplateValues.Text(value), given.Count > 0 ? TemplateValues.Whole(given[0]) ?? 4
                : TemplateValues.Whole(named.GetValueOrDefault("width")) ?? 4, Flag(given, 1, named, "first")),
            _ => throw new TemplateException(0, $"uses the filter '{name}', which is not known here"),
        };

    /// <summary>value is name(arguments).</summary>
    public static bool Test(string name, object? value, IReadOnlyList<object?> given) => name switch
    {
        "defined" => value is not Undefined,
        "undefined" => value is Undefined,
        "none" => value is null,
        "string" => value is string,
        "boolean" => value is bool,
        "true" => value is true,
        "false" => value is false,
        "integer" => value is long,
        "float" => value is double,
        "number" => value is long or double or bool,
        "mapping" => value is IReadOnlyDictionary<string, object?>,
        "sequence" or "iterable" => value is string or IReadOnlyList<object?> or IReadOnlyDictionary<string, object?> or Undefined,
        "callable" => value is TemplateFunction,
        "equalto" or "eq" or "sameas" or "==" => TemplateValues.Equals(value, given[0]),
        "ne" or "!=" => !TemplateValues.Equals(value, given[0]),
        "lt" or "lessthan" or "<" => TemplateValues.Compare(value, given[0]) < 0,
        "le" or "<=" => TemplateValues.Compare(value, given[0]) <= 0,
        "gt" or "greaterthan" or ">" => TemplateValues.Compare(value, given[0]) > 0,
        "ge" or ">=" => TemplateValues.Compare(value, given[0]) >= 0,
        "in" => TemplateValues.Contains(given[0], value),
        "odd" => TemplateValues.Whole(value) is { } odd && odd % 2 != 0,
        "even" => TemplateValues.Whole(value) is { } even && even % 2 == 0,
        "divisibleby" => TemplateValues.Whole(value) is { } all && TemplateValues.Whole(given[0]) is { } by and not 0 && all % by == 0,
        _ => throw new TemplateException(0, $"uses the test '{name}', which is not known here"),
    };

    private static object?[] Chosen(object? value, IReadOnlyList<object?> given, bool byField, bool wanted)
    {
        var (field, rest) = byField ? (TemplateMethods.Text(given, 0), given.Skip(1).ToArray()) : (null, given.ToArray());
        return [.. TemplateValues.Items(value).Where(item => Holds(field is null ? item : Reached(item, field)) == wanted)];

        bool Holds(object? item) => rest.Length == 0 ? TemplateValues.IsTrue(item) : Test(TemplateMethods.Text(rest, 0), item, rest[1..]);
    }

    private static IEnumerable<object?> Mapped(object? value, object? attribute) =>
        attribute is string path ? TemplateValues.Items(value).Select(item => Reached(item, path)) : TemplateValues.Items(value);

    private static object? Reached(object? item, string path) =>
        path.Split('.').Aggregate(item, (at, name) => TemplateValues.Field(at, name, methodFirst: false));

    private static IReadOnlyDictionary<string, object?> Fields(object? value) =>
        value as IReadOnlyDictionary<string, object?>
            ?? throw new TemplateException(0, $"takes {TemplateValues.Kind(value)} for an object");

    private static bool Flag(IReadOnlyList<object?> given, int index, IReadOnlyDictionary<string, object?> named, string name) =>
        TemplateValues.IsTrue(given.Count > index ? given[index] : named.GetValueOrDefault(name));

    private static object? Whole(object? value, IReadOnlyList<object?> given) => value switch
    {
        double number => (long)number,
        string text => long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : given.Count > 0 ? given[0] : 0L,
        _ => TemplateValues.Whole(value) ?? (given.Count > 0 ? given[0] : 0L),
    };

    private static string Indented(string text, long width, bool first)
    {
        var margin = new string(' ', (int)Math.Clamp(width, 0, 64));
        return string.Join('\n', text.Split('\n').Select((line, i) => line.Length > 0 && (first || i > 0) ? margin + line : line));
    }
}
