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

    public static bool Equals(object? left, object? right, TemplateBounds bounds, int depth = 0)
    {
        bounds.Value(depth);
        return (left, right) switch
        {
            (Undefined, Undefined) or (null, null) => true,
            (string a, string b) => a.Length == b.Length && Spent(bounds, a.Length) && a == b,
            (IReadOnlyList<object?> a, IReadOnlyList<object?> b) => a.Count == b.Count
                && a.Zip(b).All(pair => Equals(pair.First, pair.Second, bounds, depth + 1)),
            (IReadOnlyDictionary<string, object?> a, IReadOnlyDictionary<string, object?> b) => a.Count == b.Count
                && a.All(field => b.TryGetValue(field.Key, out var other) && Equals(field.Value, other, bounds, depth + 1)),
            _ => Number(left) is { } x && Number(right) is { } y && x == y,
        };
    }

    public static int Compare(object? left, object? right, TemplateBounds bounds)
    {
        bounds.Spend(TemplateBounds.Item);
        return (left, right) switch
        {
            (string a, string b) when Spent(bounds, Math.Min(a.Length, b.Length)) => string.CompareOrdinal(a, b),
            _ when Number(left) is { } a && Number(right) is { } b => a.CompareTo(b),
            _ => throw new TemplateException(0, $"compares {Kind(left)} with {Kind(right)}"),
        };
    }

    /// <summary>In the order of <see cref="Compare"/>.</summary>
    public static IComparer<object?> Order(TemplateBounds bounds) =>
        Comparer<object?>.Create((left, right) => Compare(left, right, bounds));

    /// <summary>Whether <paramref name="item"/> is in a text, a list or the keys of a dictionary.</summary>
    public static bool Contains(object? all, object? item, TemplateBounds bounds)
    {
        switch (all)
        {
            case string text:
                var part = item as string ?? throw new TemplateException(0, $"looks for {Kind(item)} in a text");
                bounds.Search(text, part);
                return text.Contains(part, StringComparison.Ordinal);
            case IReadOnlyDictionary<string, object?> fields:
                return item is string key && Spent(bounds, key.Length) && fields.ContainsKey(key);
            case IReadOnlyList<object?> items:
                return items.Any(other => Equals(other, item, bounds));
            case Undefined:
                return false;
            default:
                throw new TemplateException(0, $"looks into {Kind(all)}");
        }
    }

    public static object? Add(object? left, object? right, TemplateBounds bounds)
    {
        switch (left, right)
        {
            case (string a, string b):
                return Joined(a, b, bounds);
            case (IReadOnlyList<object?> a, IReadOnlyList<object?> b):
                bounds.Spend(((long)a.Count + b.Count) * TemplateBounds.Item);
                return (object?[])[.. a, .. b];
            default:
                bounds.Spend(TemplateBounds.Item);
                return Calculate(left, right, (x, y) => checked(x + y), (x, y) => x + y);
        }
    }

    public static string Joined(string left, string right, TemplateBounds bounds)
    {
        bounds.Spend((long)left.Length + right.Length);
        return left + right;
    }

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
    public static object? Field(object? value, string name, bool methodFirst, TemplateBounds bounds) => value switch
    {
        Undefined undefined => throw new TemplateException(0, $"asks for '{name}' of '{undefined.Name}', which is not defined"),
        TemplateNamespace space => space.Fields.TryGetValue(name, out var found) ? found : Undefined.Named(name),
        // As in Jinja: a dot asks for the method first, brackets for the key.
        IReadOnlyDictionary<string, object?> fields when methodFirst => TemplateMethods.Of(value, name, bounds)
            ?? fields.GetValueOrDefault(name, Undefined.Named(name)),
        IReadOnlyDictionary<string, object?> fields => fields.TryGetValue(name, out var found) ? found
            : (object?)TemplateMethods.Of(value, name, bounds) ?? Undefined.Named(name),
        _ => TemplateMethods.Of(value, name, bounds) ?? (object)Undefined.Named(name),
    };

    /// <summary>value[index].</summary>
    public static object? Item(object? value, object? index, TemplateBounds bounds)
    {
        if (index is string name)
            return Field(value, name, methodFirst: false, bounds);
        if (Whole(index) is not { } at)
            throw new TemplateException(0, $"takes {Kind(index)} for an index");
        return value switch
        {
            string text => Points(text, bounds) is var points && Place(points.Length, at) is { } i ? points[i] : Undefined.Named($"[{at}]"),
            IReadOnlyList<object?> items => Place(items.Count, at) is { } i ? items[i] : Undefined.Named($"[{at}]"),
            Undefined undefined => throw new TemplateException(0, $"asks for an item of '{undefined.Name}', which is not defined"),
            _ => Undefined.Named($"[{at}]"),
        };
    }

    /// <summary>value[from:to:step], as Python has it.</summary>
    public static object? Slice(object? value, object? from, object? to, object? step, TemplateBounds bounds)
    {
        IReadOnlyList<object?> items = value is string text ? Points(text, bounds) : value as IReadOnlyList<object?>
            ?? throw new TemplateException(0, $"takes a slice of {Kind(value)}");
        var by = step is null ? 1 : Whole(step) ?? 0;
        if (by == 0)
            throw new TemplateException(0, "takes a slice in steps of 0");
        var (low, high) = by > 0 ? (0L, (long)items.Count) : (-1L, items.Count - 1L);
        var (start, end) = (Bound(from, by > 0 ? low : high), Bound(to, by > 0 ? high : low));
        bounds.Spend(Math.Max(0, (end - start) / by) * TemplateBounds.Item);
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
    public static IReadOnlyList<object?> Items(object? value, TemplateBounds bounds) => value switch
    {
        string text => Points(text, bounds),
        IReadOnlyDictionary<string, object?> fields when Spent(bounds, (long)fields.Count * TemplateBounds.Item) => [.. fields.Keys],
        IReadOnlyList<object?> items => items,
        Undefined => [],
        _ => throw new TemplateException(0, $"goes through {Kind(value)}"),
    };

    public static long Length(object? value, TemplateBounds bounds) => value is not string text ? Items(value, bounds).Count
        : Spent(bounds, text.Length) ? text.EnumerateRunes().Count() : 0;

    /// <summary>As <c>str()</c> writes it.</summary>
    public static string Text(object? value, TemplateBounds bounds) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Shown(value, bounds),
    };

    /// <summary>As <c>repr()</c> writes it.</summary>
    public static string Shown(object? value, TemplateBounds bounds)
    {
        var output = new StringBuilder();
        Show(output, value, bounds, 0);
        return output.ToString();
    }

    /// <summary>A number, <c>True</c>, <c>False</c> or <c>None</c>; empty for all else.</summary>
    public static string Plain(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture) is var text && text.AsSpan().ContainsAny(".EN") ? text
            : $"{text}.0",
        _ => "",
    };

    private static void Show(StringBuilder output, object? value, TemplateBounds bounds, int depth)
    {
        bounds.Value(depth);
        var separator = "";
        switch (value)
        {
            case string text:
                Quote(output, text, bounds);
                break;
            case IReadOnlyDictionary<string, object?> fields:
                output.Append('{');
                foreach (var (name, field) in fields)
                {
                    output.Append(separator);
                    Quote(output, name, bounds);
                    Show(output.Append(": "), field, bounds, depth + 1);
                    separator = ", ";
                }
                output.Append('}');
                break;
            case IReadOnlyList<object?> items:
                output.Append('[');
                foreach (var item in items)
                {
                    Show(output.Append(separator), item, bounds, depth + 1);
                    separator = ", ";
                }
                output.Append(']');
                break;
            default:
                output.Append(Plain(value));
                break;
        }
    }

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

    private static string[] Points(string text, TemplateBounds bounds)
    {
        bounds.Spend((long)text.Length * TemplateBounds.Item);
        return [.. text.EnumerateRunes().Select(rune => rune.ToString())];
    }

    // Where it belongs into a condition.
    private static bool Spent(TemplateBounds bounds, long characters)
    {
        bounds.Spend(characters);
        return true;
    }

    private static void Quote(StringBuilder result, string text, TemplateBounds bounds)
    {
        bounds.Spend(text.Length);
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        result.Append(quote);
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
        result.Append(quote);
    }
}
