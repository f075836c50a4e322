using System.Collections;
using System.Globalization;
using System.Text;

namespace FedLora.Tokenizers.Chat;

/// <summary>
/// Values as Jinja has them from Python: null, <see cref="bool"/>, <see cref="long"/>, <see cref="double"/>, <see cref="string"/>, lists,
/// dictionaries in the order in
/// which they were written, functions, namespaces and <see cref="Undefined"/>. A text counts in code points.
/// </summary>
internal static class TemplateValues
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        ICollection items => items.Count > 0,
        _ => true,
    };

    public static new bool Equals(object? left, object? right) => (left, right) switch
    {
        (Undefined, Undefined) or (null, null) => true,
        (string a, string b) => a == b,
        (IReadOnlyList<object?> a, IReadOnlyList<object?> b) => a.Count == b.Count && a.Zip(b).All(pair => Equals(pair.First, pair.Second)),
        (IReadOnlyDictionary<string, object?> a, IReadOnlyDictionary<string, object?> b) => a.Count == b.Count
            && a.All(field => b.TryGetValue(field.Key, out var other) && Equals(field.Value, other)),
        _ => Number(left) is { } x && Number(right) is { } y && x == y,
    };

    public static int Compare(object? left, object? right) => (left, right) switch
    {
        (string a, string b) => string.CompareOrdinal(a, b),
        _ when Number(left) is { } a && Number(right) is { } b => a.CompareTo(b),
        _ => throw new TemplateException(0, $"compares {Kind(left)} with {Kind(right)}"),
    };

    /// <summary>Whether <paramref name="item"/> is in a text, a list or the keys of a dictionary.</summary>
    public static bool Contains(object? all, object? item) => all switch
    {
        string text => item is string part ? text.Contains(part, StringComparison.Ordinal)
            : throw new TemplateException(0, $"looks for {Kind(item)} in a text"),
        IReadOnlyDictionary<string, object?> fields => item is string key && fields.ContainsKey(key),
        IReadOnlyList<object?> items => items.Any(other => Equals(other, item)),
        Undefined => false,
        _ => throw new TemplateException(0, $"looks into {Kind(all)}"),
    };

    public static object? Add(object? left, object? right) => (left, right) switch
    {
        (string a, string b) => a + b,
        (IReadOnlyList<object?> a, IReadOnlyList<object?> b) => (object?[])[.. a, .. b],
        _ => Calculate(left, right, (a, b) => checked(a + b), (a, b) => a + b),
    };

    public static object? Calculate(object? left, object? right, Func<long, long, object?> whole, Func<double, double, object?> broken)
    {
        try
        {
            return (Whole(left), Whole(right)) is ({ } a, { } b) ? whole(a, b)
                : Number(left) is { } x && Number(right) is { } y ? broken(x, y)
                : throw new TemplateException(0, $"calculates with {Kind(left)} and {Kind(right)}");
        }
        catch (ArithmeticException)
        {
            throw new TemplateException(0, "divides by zero, or calculates with too large numbers");
        }
    }

    public static long? Whole(object? value) => value switch { long number => number, bool flag => flag ? 1 : 0, _ => null };

    public static double? Number(object? value) => value is double number ? number : Whole(value);

    /// <summary>A field of an object, or a method of a value; <see cref="Undefined"/> where there is none.</summary>
    public static object? Field(object? value, string name, bool methodFirst) => value switch
    {
        Undefined undefined => throw new TemplateException(0, $"asks for '{name}' of '{undefined.Name}', which is not defined"),
        TemplateNamespace space => space.Fields.TryGetValue(name, out var found) ? found : Undefined.Named(name),
        // As in Jinja: a dot asks for the method first, brackets for the key.
        IReadOnlyDictionary<string, object?> fields when methodFirst => TemplateMethods.Of(value, name)
            ?? fields.GetValueOrDefault(name, Undefined.Named(name)),
        IReadOnlyDictionary<string, object?> fields => fields.TryGetValue(name, out var found) ? found
            : (object?)TemplateMethods.Of(value, name) ?? Undefined.Named(name),
        _ => TemplateMethods.Of(value, name) ?? (object)Undefined.Named(name),
    };

    /// <summary>value[index].</summary>
    public static object? Item(object? value, object? index)
    {
        if (index is string name)
            return Field(value, name, methodFirst: false);
        if (Whole(index) is not { } at)
            throw new TemplateException(0, $"takes {Kind(index)} for an index");
        return value switch
        {
            string text => Points(text) is var points && Place(points.Length, at) is { } i ? points[i] : Undefined.Named($"[{at}]"),
            IReadOnlyList<object?> items => Place(items.Count, at) is { } i ? items[i] : Undefined.Named($"[{at}]"),
            Undefined undefined => throw new TemplateException(0, $"asks for an item of '{undefined.Name}', which is not defined"),
            _ => Undefined.Named($"[{at}]"),
        };
    }

    /// <summary>value[from:to:step], as Python has it.</summary>
    public static object? Slice(object? value, object? from, object? to, object? step)
    {
        IReadOnlyList<object?> items = value is string text ? Points(text) : value as IReadOnlyList<object?>
            ?? throw new TemplateException(0, $"takes a slice of {Kind(value)}");
        var by = step is null ? 1 : Whole(step) ?? 0;
        if (by == 0)
            throw new TemplateException(0, "takes a slice in steps of 0");
        var (low, high) = by > 0 ? (0L, (long)items.Count) : (-1L, items.Count - 1L);
        var (start, end) = (Bound(from, by > 0 ? low : high), Bound(to, by > 0 ? high : low));
        var taken = new List<object?>();
        for (var i = start; by > 0 ? i < end : i > end; i += by)
            taken.Add(items[(int)i]);
        return value is string ? string.Concat(taken) : taken;

        long Bound(object? bound, long otherwise)
        {
            if (bound is null)
                return otherwise;
            var at = Whole(bound) ?? throw new TemplateException(0, $"takes a slice up to {Kind(bound)}");
            return Math.Clamp(at < 0 ? at + items.Count : at, low, high);
        }
    }

    /// <summary>The items that a loop goes through.</summary>
    public static IReadOnlyList<object?> Items(object? value) => value switch
    {
        string text => Points(text),
        IReadOnlyDictionary<string, object?> fields => [.. fields.Keys],
        IReadOnlyList<object?> items => items,
        Undefined => [],
        _ => throw new TemplateException(0, $"goes through {Kind(value)}"),
    };

    public static long Length(object? value) => value is string text ? text.EnumerateRunes().Count() : Items(value).Count;

    /// <summary>As <c>str()</c> writes it.</summary>
    public static string Text(object? value) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Shown(value),
    };

    /// <summary>As <c>repr()</c> writes it.</summary>
    public static string Shown(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture) is var text && text.AsSpan().ContainsAny(".EN") ? text
            : $"{text}.0",
        string text => Quoted(text),
        IReadOnlyDictionary<string, object?> fields =>
            $"{{{string.Join(", ", fields.Select(field => $"{Quoted(field.Key)}: {Shown(field.Value)}"))}}}",
        IReadOnlyList<object?> items => $"[{string.Join(", ", items.Select(Shown))}]",
        _ => "",
    };

    public static string Kind(object? value) => value switch
    {
        null => "none",
        Undefined undefined => $"'{undefined.Name}', which is not defined",
        bool => "a truth value",
        long or double => "a number",
        string => "a text",
        IReadOnlyDictionary<string, object?> => "an object",
        IReadOnlyList<object?> => "a list",
        _ => "a function",
    };

    private static int? Place(int count, long at) => (at < 0 ? at + count : at) is >= 0 and var place && place < count ? (int)place : null;

    private static string[] Points(string text) => [.. text.EnumerateRunes().Select(rune => rune.ToString())];

    private static string Quoted(string text)
    {
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var result = new StringBuilder().Append(quote);
        foreach (var c in text)
        {
            _ = c switch
            {
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                '\\' => result.Append("\\\\"),
                _ when c == quote => result.Append('\\').Append(c),
                _ => result.Append(c),
            };
        }
        return result.Append(quote).ToString();
    }
}
