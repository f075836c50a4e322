namespace FedLora.Tokenizers.Chat;

/// <summary>A place among the tokens of a template.</summary>
internal sealed class TemplateCursor(IReadOnlyList<TemplateToken> tokens)
{
    private const int MostDepth = 100;

    private int _at;
    private int _depth;

    /// <summary>How many tokens were taken.</summary>
    public int Taken => _at;

    public TemplateToken Peek => tokens[_at];

    public TemplateToken Second => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public TemplateToken Next() => Peek.Kind == TokenKind.EndOfTemplate ? throw Error("ends too soon") : tokens[_at++];

    /// <summary>Takes a word or an operator where it stands here.</summary>
    public bool Takes(string text)
    {
        if (Peek.Kind is not (TokenKind.Name or TokenKind.Operator) || Peek.Text != text)
            return false;
        _at++;
        return true;
    }

    public void Expect(string text)
    {
        if (!Takes(text))
            throw Error($"has '{Peek.Text}' where '{text}' belongs");
    }

    public string Name() => Peek.Kind == TokenKind.Name ? Next().Text : throw Error($"has '{Peek.Text}' where a name belongs");

    /// <summary>Takes the end of a tag.</summary>
    public void End()
    {
        if (Peek.Kind != TokenKind.End)
            throw Error($"has '{Peek.Text}' where its tag should end");
        _at++;
    }

    /// <summary>Goes one level of nesting deeper until it is disposed of: a stack ends too.</summary>
    public IDisposable Deeper()
    {
        TemplateBounds.EnsureStack();
        if (++_depth > MostDepth)
            throw Error("is nested too deep");
        return new Level(this);
    }

    public TemplateException Error(string what) => new(Peek.Line, what);

    private sealed class Level(TemplateCursor cursor) : IDisposable
    {
        public void Dispose() => cursor._depth--;
    }
}
