namespace FedLora.Tokenizers.Chat;

/// <summary>What makes texts of texts, counted before it is made.</summary>
internal sealed class TemplateTexts(TemplateBounds bounds)
{
    /// <summary>The parts of a text between separators.</summary>
    public string[] Parts(string text, string by)
    {
        bounds.Spend((Count(text, by) * TemplateBounds.Item) + text.Length);
        return text.Split(by);
    }

    /// <summary>How often a text holds another.</summary>
    public long Count(string text, string part)
    {
        bounds.Search(text, part);
        var count = 0L;
        if (part.Length == 0)
            return count;
        for (var at = text.IndexOf(part, StringComparison.Ordinal); at >= 0;
            at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal))
            count++;
        return count;
    }

    /// <summary>Where a text begins in another; below 0 where it does not.</summary>
    public int Find(string text, string part)
    {
        bounds.Search(text, part);
        return text.IndexOf(part, StringComparison.Ordinal);
    }

    /// <summary>Puts one text in the place of another, at most so often from the front; null or below 0 for always.</summary>
    public string Replace(string text, string old, string by, long? most)
    {
        var always = most is null or < 0;
        if (always && old.Length == 0)
            throw new TemplateException(0, "replaces an empty text");
        var times = Count(text, old);
        times = always ? times : Math.Min(times, most!.Value);
        bounds.Spend(text.Length + (times * by.Length));
        return always ? text.Replace(old, by, StringComparison.Ordinal)
            : string.Join(by, text.Split(old, (int)Math.Min(most!.Value, int.MaxValue - 1) + 1));
    }

    /// <summary>All items as texts, a separator between.</summary>
    public string Join(string separator, IEnumerable<object?> items)
    {
        return string.Join(separator, items.Select(Counted));

        string Counted(object? item)
        {
            var text = TemplateValues.Text(item, bounds);
            bounds.Spend((long)separator.Length + text.Length + TemplateBounds.Item);
            return text;
        }
    }

    /// <summary>Each line but the first, or that too, moved to the right.</summary>
    public string Indented(string text, long width, bool first)
    {
        var margin = new string(' ', (int)Math.Clamp(width, 0, 64));
        var lines = Parts(text, "\n");
        bounds.Spend((long)margin.Length * lines.Length);
        return string.Join('\n', lines.Select((line, i) => line.Length > 0 && (first || i > 0) ? margin + line : line));
    }
}
