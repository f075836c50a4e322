using System.Globalization;
using System.Text;

namespace FedLora.Tokenizers.Chat;

/// <summary>The filter <c>tojson</c> as transformers has it: Python's <c>json.dumps(x, ensure_ascii=False, indent=...)</c>.</summary>
internal static class TemplateJson
{
    public static string Write(object? value, long? indent, bool sorted, TemplateBounds bounds)
    {
        var output = new StringBuilder();
        Write(output, value, indent, sorted, bounds, 0);
        return output.ToString();
    }

    private static void Write(StringBuilder output, object? value, long? indent, bool sorted, TemplateBounds bounds, int depth)
    {
        bounds.Value(depth);
        switch (value)
        {
            case string text:
                Quote(output, text, bounds);
                break;
            case bool flag:
                output.Append(flag ? "true" : "false");
                break;
            case long or double:
                output.Append(TemplateValues.Plain(value));
                break;
            case null:
                output.Append("null");
                break;
            case IReadOnlyDictionary<string, object?> fields:
                var ordered = sorted ? fields.OrderBy(field => field.Key, StringComparer.Ordinal) : fields.AsEnumerable();
                Many(output, '{', '}', [.. ordered], indent, depth, bounds, field =>
                {
                    Quote(output, field.Key, bounds);
                    output.Append(": ");
                    Write(output, field.Value, indent, sorted, bounds, depth + 1);
                });
                break;
            case IReadOnlyList<object?> items:
                Many(output, '[', ']', items, indent, depth, bounds, item => Write(output, item, indent, sorted, bounds, depth + 1));
                break;
            default:
                throw new TemplateException(0, $"writes {TemplateValues.Kind(value)} as JSON");
        }
    }

    private static void Many<T>(StringBuilder output, char open, char close, IReadOnlyList<T> items, long? indent, int depth,
        TemplateBounds bounds, Action<T> write)
    {
        output.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            output.Append(i == 0 ? "" : indent is null ? ", " : ",");
            Break(depth + 1);
            write(items[i]);
        }
        if (items.Count > 0)
            Break(depth);
        output.Append(close);

        void Break(int deep)
        {
            if (indent is not { } width)
                return;
            var margin = (int)Math.Clamp(width, 0, 16) * deep;
            bounds.Spend(margin);
            output.Append('\n').Append(' ', margin);
        }
    }

    private static void Quote(StringBuilder output, string text, TemplateBounds bounds)
    {
        bounds.Spend(text.Length);
        output.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => output.Append("\\\""),
                '\\' => output.Append("\\\\"),
                '\n' => output.Append("\\n"),
                '\r' => output.Append("\\r"),
                '\t' => output.Append("\\t"),
                '\b' => output.Append("\\b"),
                '\f' => output.Append("\\f"),
                < ' ' => output.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => output.Append(c),
            };
        }
        output.Append('"');
    }
}
