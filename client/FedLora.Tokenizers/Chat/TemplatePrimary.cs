using System.Text;

namespace FedLora.Tokenizers.Chat;

/// <summary>Reads what an expression is made of: names, texts, numbers, lists, objects, and expressions in brackets.</summary>
internal sealed class TemplatePrimary(TemplateCursor tokens, TemplateExpressions expressions)
{
    public TemplateExpression Read()
    {
        using var deeper = tokens.Deeper();
        var token = tokens.Next();
        return token.Kind switch
        {
            TokenKind.Name => Name(token.Text),
            TokenKind.Number => _ => token.Value,
            TokenKind.String => Text(token.Text),
            TokenKind.Operator when token.Text == "(" => Brackets(),
            TokenKind.Operator when token.Text == "[" => List("]", []),
            TokenKind.Operator when token.Text == "{" => Object(),
            _ => throw tokens.Error($"has '{token.Text}' where a value belongs"),
        };
    }

    private static TemplateExpression Name(string name) => name switch
    {
        "true" or "True" => _ => true,
        "false" or "False" => _ => false,
        "none" or "None" => _ => null,
        _ => scope => scope[name],
    };

    // Texts beside each other are one.
    private TemplateExpression Text(string first)
    {
        var text = new StringBuilder(first);
        while (tokens.Peek.Kind == TokenKind.String)
            text.Append(tokens.Next().Text);
        var whole = text.ToString();
        return _ => whole;
    }

    private TemplateExpression Brackets()
    {
        if (tokens.Takes(")"))
            return _ => (object?[])[];
        var value = expressions.Conditional();
        if (tokens.Takes(","))
            return List(")", [value]);
        tokens.Expect(")");
        return value;
    }

    private TemplateExpression List(string end, List<TemplateExpression> items)
    {
        while (!tokens.Takes(end))
        {
            items.Add(expressions.Conditional());
            if (!tokens.Takes(","))
            {
                tokens.Expect(end);
                break;
            }
        }
        return scope => (object?[])[.. items.Select(item => item(scope))];
    }

    private TemplateExpression Object()
    {
        var fields = new List<(TemplateExpression Key, TemplateExpression Value)>();
        while (!tokens.Takes("}"))
        {
            var key = expressions.Conditional();
            tokens.Expect(":");
            fields.Add((key, expressions.Conditional()));
            if (!tokens.Takes(","))
            {
                tokens.Expect("}");
                break;
            }
        }
        return scope =>
        {
            var made = new Dictionary<string, object?>(StringComparer.Ordinal);
            foreach (var (key, value) in fields)
                made[TemplateValues.Text(key(scope), scope.Bounds)] = value(scope);
            return made;
        };
    }
}
