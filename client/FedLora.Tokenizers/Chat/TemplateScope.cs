using System.Text;

namespace FedLora.Tokenizers.Chat;

/// <summary>The names of a place in a template that is being rendered, and what bounds the rendering.</summary>
internal sealed class TemplateScope
{
    private readonly Dictionary<string, object?> _names = new(StringComparer.Ordinal);
    private readonly TemplateScope? _outer;

    public TemplateScope(IReadOnlyDictionary<string, object?> names, TemplateBounds bounds)
    {
        Bounds = bounds;
        foreach (var (name, value) in names)
            _names[name] = value;
    }

    private TemplateScope(TemplateScope outer) => (_outer, Bounds) = (outer, outer.Bounds);

    /// <summary>What the whole rendering may take.</summary>
    public TemplateBounds Bounds { get; }

    /// <summary>A place within: it sees the names here, and what it sets is its own.</summary>
    public TemplateScope Within()
    {
        Bounds.Step();
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

    /// <summary>Writes, so much at most.</summary>
    public void Write(StringBuilder output, string text)
    {
        Bounds.Step();
        Bounds.Spend(text.Length);
        if (output.Length + text.Length > TemplateBounds.MostCharacters)
            throw new TemplateException(0, $"writes more than {TemplateBounds.MostCharacters} characters");
        output.Append(text);
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
