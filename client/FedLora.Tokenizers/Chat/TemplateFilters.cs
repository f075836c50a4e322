using System.Globalization;

namespace FedLora.Tokenizers.Chat;

/// <summary>Jinja's filters and tests that chat templates use.</summary>
internal static class TemplateFilters
{
    /// <summary>value | name(arguments).</summary>
    public static object? Apply(string name, object? value, IReadOnlyList<object?> given, IReadOnlyDictionary<string, object?> named,
        TemplateBounds bounds)
    {
        bounds.Spend(TemplateBounds.Item + (value is string all ? all.Length : 0));
        var texts = new TemplateTexts(bounds);
        return name switch
        {
            "trim" => TemplateValues.Text(value, bounds) is var text ? text.Trim(TemplateMethods.Set(text, given, bounds)) : "",
            "upper" => TemplateValues.Text(value, bounds).ToUpperInvariant(),
            "lower" => TemplateValues.Text(value, bounds).ToLowerInvariant(),
            "capitalize" => TemplateMethods.Capital(TemplateValues.Text(value, bounds)),
            "title" => string.Join(' ', texts.Parts(TemplateValues.Text(value, bounds), " ").Select(TemplateMethods.Capital)),
            "string" => TemplateValues.Text(value, bounds),
            "safe" => value,
            "length" or "count" => TemplateValues.Length(value, bounds),
            "first" => TemplateValues.Items(value, bounds) is [var first, ..] ? first : Undefined.Named("first"),
            "last" => TemplateValues.Items(value, bounds) is [.., var last] ? last : Undefined.Named("last"),
            "list" => (object?[])[.. TemplateValues.Items(value, bounds)],
            "reverse" => value is string text ? string.Concat(TemplateValues.Items(text, bounds).Reverse())
                : (object?[])[.. TemplateValues.Items(value, bounds).Reverse()],
            "join" => texts.Join(given.Count > 0 ? TemplateValues.Text(given[0], bounds) : "",
                Mapped(value, given.Count > 1 ? given[1] : named.GetValueOrDefault("attribute"), bounds)),
            "replace" => texts.Replace(TemplateValues.Text(value, bounds), TemplateMethods.Text(given, 0), TemplateMethods.Text(given, 1),
                given.Count > 2 ? TemplateValues.Whole(given[2]) : null),
            "tojson" => TemplateJson.Write(value, TemplateValues.Whole(given.Count > 0 ? given[0] : named.GetValueOrDefault("indent")),
                TemplateValues.IsTrue(named.GetValueOrDefault("sort_keys")), bounds),
            "default" or "d" => value is Undefined || (Flag(given, 1, named, "boolean") && !TemplateValues.IsTrue(value)) ? given.Count > 0
                ? given[0] : named.GetValueOrDefault("default_value") ?? "" : value,
            "items" => value is Undefined ? (object?[])[] : TemplateMethods.Of(value, "items", bounds) is { } items ? items([], named)
                : throw new TemplateException(0, $"takes the items of {TemplateValues.Kind(value)}"),
            "dictsort" => (object?[])[.. Fields(value, bounds).OrderBy(field => field.Key, StringComparer.OrdinalIgnoreCase)
            .Select(field => (object?[])[field.Key, field.Value])],
            "map" => named.TryGetValue("attribute", out var attribute) ? (object?[])[.. Mapped(value, attribute, bounds)]
                : (object?[])[.. TemplateValues.Items(value, bounds)
                .Select(item => Apply(TemplateMethods.Text(given, 0), item, [.. given.Skip(1)], named, bounds))],
            "select" => Chosen(value, given, byField: false, wanted: true, bounds),
            "reject" => Chosen(value, given, byField: false, wanted: false, bounds),
            "selectattr" => Chosen(value, given, byField: true, wanted: true, bounds),
            "rejectattr" => Chosen(value, given, byField: true, wanted: false, bounds),
            "unique" => Unique(TemplateValues.Items(value, bounds), bounds),
            "sort" => (object?[])[.. TemplateValues.Items(value, bounds).Order(TemplateValues.Order(bounds))],
            "sum" => TemplateValues.Items(value, bounds).Aggregate((object?)0L, (sum, item) => TemplateValues.Add(sum, item, bounds)),
            "min" =>
                TemplateValues.Items(value, bounds).Order(TemplateValues.Order(bounds)).FirstOrDefault(Undefined.Named("min")),
            "max" => TemplateValues.Items(value, bounds).OrderDescending(TemplateValues.Order(bounds))
                .FirstOrDefault(Undefined.Named("max")),
            "abs" => TemplateValues.Calculate(value, 0L, (a, _) => Math.Abs(a), (a, _) => Math.Abs(a)),
            "int" => Whole(value, given),
            "float" => TemplateValues.Number(value)
                ?? (double.TryParse(value as string, CultureInfo.InvariantCulture, out var number) ? number : 0.0),
            "indent" => texts.Indented(TemplateValues.Text(value, bounds), given.Count > 0 ? TemplateValues.Whole(given[0]) ?? 4
                : TemplateValues.Whole(named.GetValueOrDefault("width")) ?? 4, Flag(given, 1, named, "first")),
            _ => throw new TemplateException(0, $"uses the filter '{name}', which is not known here"),
        };
    }

    /// <summary>value is name(arguments).</summary>
    public static bool Test(string name, object? value, IReadOnlyList<object?> given, TemplateBounds bounds) => name switch
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
        "equalto" or "eq" or "sameas" or "==" => TemplateValues.Equals(value, given[0], bounds),
        "ne" or "!=" => !TemplateValues.Equals(value, given[0], bounds),
        "lt" or "lessthan" or "<" => TemplateValues.Compare(value, given[0], bounds) < 0,
        "le" or "<=" => TemplateValues.Compare(value, given[0], bounds) <= 0,
        "gt" or "greaterthan" or ">" => TemplateValues.Compare(value, given[0], bounds) > 0,
        "ge" or ">=" => TemplateValues.Compare(value, given[0], bounds) >= 0,
        "in" => TemplateValues.Contains(given[0], value, bounds),
        "odd" => TemplateValues.Whole(value) is { } odd && odd % 2 != 0,
        "even" => TemplateValues.Whole(value) is { } even && even % 2 == 0,
        "divisibleby" => TemplateValues.Whole(value) is { } all && TemplateValues.Whole(given[0]) is { } by and not 0 && all % by == 0,
        _ => throw new TemplateException(0, $"uses the test '{name}', which is not known here"),
    };

    private static object?[] Chosen(object? value, IReadOnlyList<object?> given, bool byField, bool wanted, TemplateBounds bounds)
    {
        var (field, rest) = byField ? (TemplateMethods.Text(given, 0), given.Skip(1).ToArray()) : (null, given.ToArray());
        return [.. TemplateValues.Items(value, bounds)
            .Where(item => Holds(field is null ? item : Reached(item, field, bounds)) == wanted)];

        bool Holds(object? item)
        {
            bounds.Spend(TemplateBounds.Item);
            return rest.Length == 0 ? TemplateValues.IsTrue(item) : Test(TemplateMethods.Text(rest, 0), item, rest[1..], bounds);
        }
    }

    private static object?[] Unique(IReadOnlyList<object?> items, TemplateBounds bounds)
    {
        var found = new List<object?>();
        foreach (var item in items)
        {
            if (!found.Any(other => TemplateValues.Equals(other, item, bounds)))
                found.Add(item);
        }
        return [.. found];
    }

    private static IEnumerable<object?> Mapped(object? value, object? attribute, TemplateBounds bounds) => attribute is string path
        ? TemplateValues.Items(value, bounds).Select(item => Reached(item, path, bounds)) : TemplateValues.Items(value, bounds);

    private static object? Reached(object? item, string path, TemplateBounds bounds) => new TemplateTexts(bounds).Parts(path, ".")
        .Aggregate(item, (at, name) => TemplateValues.Field(at, name, methodFirst: false, bounds));

    private static IReadOnlyDictionary<string, object?> Fields(object? value, TemplateBounds bounds)
    {
        var fields = value as IReadOnlyDictionary<string, object?>
            ?? throw new TemplateException(0, $"takes {TemplateValues.Kind(value)} for an object");
        bounds.Spend((long)fields.Count * TemplateBounds.Item);
        return fields;
    }

    private static bool Flag(IReadOnlyList<object?> given, int index, IReadOnlyDictionary<string, object?> named, string name) =>
        TemplateValues.IsTrue(given.Count > index ? given[index] : named.GetValueOrDefault(name));

    private static object? Whole(object? value, IReadOnlyList<object?> given) => value switch
    {
        double number => (long)number,
        string text => long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : given.Count > 0 ? given[0] : 0L,
        _ => TemplateValues.Whole(value) ?? (given.Count > 0 ? given[0] : 0L),
    };
}
