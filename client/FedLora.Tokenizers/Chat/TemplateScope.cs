using System.Text;

namespace FedLora.Tokenizers.Chat;

/// <summary>The names of a place in a template that is being rendered, and what bounds the rendering.</summary>
internal sealed class TemplateScope
{
    private readonly Dictionary<string, object?> _names = new(StringComparer.Ordinal);
    private readonly TemplateScope? _outer;
    private readonly TemplateBounds _bounds;

    public TemplateScope(IReadOnlyDictionary<string, object?> names)
    {
        _bounds = new TemplateBounds();
        foreach (var (name, value) in names)
            _names[name] = value;
    }

    private TemplateScope(TemplateScope outer) => (_outer, _bounds) = (outer, outer._bounds);

    /// <summary>A place within: it sees the names here, and what it sets is its own.</summary>
    public TemplateScope Within()
    {
        _bounds.Step();
        return new TemplateScope(this);
    }

    public object? this[string name]
    {
        get
        {
            for (var scope = this; scope is not null; scope = scope._outer)
            {
                if (scope._names.TryGetValue(name, out var value))
                    return value;
            }
            return Undefined.Named(name);
        }
        set => _names[name] = value;
    }

    /// <summary>Calls a macro, so deep at most.</summary>
    public T Deeper<T>(Func<T> call) => _bounds.Deeper(call);

    /// <summary>Writes, so much at most.</summary>
    public void Write(StringBuilder output, string text)
    {
        _bounds.Step();
        if (output.Length + text.Length > TemplateBounds.MostCharacters)
            throw new TemplateException(0, $"writes more than {TemplateBounds.MostCharacters} characters");
        output.Append(text);
    }
}

/// <summary>What one rendering may take: a template is another's program.</summary>
internal sealed class TemplateBounds
{
    public const int MostCharacters = 32 * 1024 * 1024;

    private const int MostSteps = 500_000;
    private const int MostDepth = 64;

    private int _steps;
    private int _depth;

    public void Step()
    {
        if (++_steps > MostSteps)
            throw new TemplateException(0, "does not come to an end");
    }

    public T Deeper<T>(Func<T> call)
    {
        if (++_depth > MostDepth)
            throw new TemplateException(0, "calls itself too deep");
        try
        {
            return call();
        }
        finally
        {
            _depth--;
        }
    }
}

/// <summary>A name or field that nothing was given for.</summary>
internal sealed class Undefined(string name)
{
    public string Name => name;

    public static Undefined Named(string name) => new(name);
}

/// <summary>What <c>namespace(...)</c> makes: fields that can be set from within loops.</summary>
internal sealed class TemplateNamespace(Dictionary<string, object?> fields)
{
    public Dictionary<string, object?> Fields => fields;
}

/// <summary>What can be called: arguments by place and by name.</summary>
internal delegate object? TemplateFunction(IReadOnlyList<object?> arguments, IReadOnlyDictionary<string, object?> named);
