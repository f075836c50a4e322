namespace FedLora.Tokenizers.Chat;

/// <summary>Computes a value.</summary>
internal delegate object? TemplateExpression(TemplateScope scope);

/// <summary>Reads Jinja's expressions, by its order of precedence: if-else, or, and, not, comparisons, + -, ~, * / // %, signs, **, and
/// what stands behind a value.</summary>
internal sealed class TemplateExpressions(TemplateCursor tokens)
{
    private static readonly string[] _comparisons = ["==", "!=", "<", "<=", ">", ">="];

    /// <summary>A whole expression.</summary>
    public TemplateExpression Whole() => Conditional();

    /// <summary>An expression that ends before an <c>if</c>.</summary>
    public TemplateExpression WithoutCondition() => Or();

    private TemplateExpression Conditional()
    {
        using var deeper = tokens.Deeper();
        var value = Or();
        while (tokens.Takes("if"))
        {
            var (then, condition) = (value, Or());
            var otherwise = tokens.Takes("else") ? Conditional() : _ => Undefined.Named("the value of an if without else");
            value = scope => TemplateValues.IsTrue(condition(scope)) ? then(scope) : otherwise(scope);
        }
        return value;
    }

    private TemplateExpression Or()
    {
        var left = And();
        while (tokens.Takes("or"))
        {
            var (a, b) = (left, And());
            left = scope => a(scope) is var value && TemplateValues.IsTrue(value) ? value : b(scope);
        }
        return left;
    }

    private TemplateExpression And()
    {
        var left = Not();
        while (tokens.Takes("and"))
        {
            var (a, b) = (left, Not());
            left = scope => a(scope) is var value && !TemplateValues.IsTrue(value) ? value : b(scope);
        }
        return left;
    }

    private TemplateExpression Not()
    {
        if (!tokens.Takes("not"))
            return Comparison();
        using var deeper = tokens.Deeper();
        var value = Not();
        return scope => !TemplateValues.IsTrue(value(scope));
    }

    private TemplateExpression Comparison()
    {
        var first = Sum();
        var rest = new List<(string Operator, TemplateExpression Right)>();
        while (true)
        {
            if (Array.Find(_comparisons, tokens.Takes) is { } found)
                rest.Add((found, Sum()));
            else if (tokens.Takes("in"))
                rest.Add(("in", Sum()));
            else if (tokens.Peek.Text == "not" && tokens.Second.Text == "in" && tokens.Takes("not") && tokens.Takes("in"))
                rest.Add(("not in", Sum()));
            else
                break;
        }
        return rest.Count == 0 ? first : scope =>
        {
            var left = first(scope);
            foreach (var (op, next) in rest)
            {
                var right = next(scope);
                if (!Compared(op, left, right))
                    return false;
                left = right;
            }
            return true;
        };
    }

    private static bool Compared(string op, object? left, object? right) => op switch
    {
        "==" => TemplateValues.Equals(left, right),
        "!=" => !TemplateValues.Equals(left, right),
        "in" => TemplateValues.Contains(right, left),
        "not in" => !TemplateValues.Contains(right, left),
        "<" => TemplateValues.Compare(left, right) < 0,
        "<=" => TemplateValues.Compare(left, right) <= 0,
        ">" => TemplateValues.Compare(left, right) > 0,
        _ => TemplateValues.Compare(left, right) >= 0,
    };

    private TemplateExpression Sum()
    {
        var left = Joined();
        while (true)
        {
            var a = left;
            if (tokens.Takes("+") && Joined() is var more)
                left = scope => TemplateValues.Add(a(scope), more(scope));
            else if (tokens.Takes("-") && Joined() is var less)
                left = scope => TemplateValues.Calculate(a(scope), less(scope), (x, y) => checked(x - y), (x, y) => x - y);
            else
                return left;
        }
    }

    private TemplateExpression Joined()
    {
        var left = Product();
        while (tokens.Takes("~"))
        {
            var (a, b) = (left, Product());
            left = scope => TemplateValues.Text(a(scope)) + TemplateValues.Text(b(scope));
        }
        return left;
    }

    private TemplateExpression Product()
    {
        var left = Power();
        while (Array.Find(["*", "/", "//", "%"], tokens.Takes) is { } op)
        {
            var (a, b) = (left, Power());
            left = op switch
            {
                "*" => scope => Times(a(scope), b(scope)),
                "/" => scope => TemplateValues.Calculate(a(scope), b(scope), (x, y) => y == 0 ? throw new DivideByZeroException()
                    : (double)x / y, (x, y) => x / y),
                "//" => scope => TemplateValues.Calculate(a(scope), b(scope), (x, y) =>
                    x / y - (x % y != 0 && x % y < 0 != y < 0 ? 1 : 0), (x, y) => Math.Floor(x / y)),
                _ => scope => TemplateValues.Calculate(a(scope), b(scope), (x, y) => ((x % y) + y) % y, (x, y) =>
                    x - (y * Math.Floor(x / y))),
            };
        }
        return left;
    }

    private static object? Times(object? left, object? right)
    {
        if (left is not string text)
            return TemplateValues.Calculate(left, right, (x, y) => checked(x * y), (x, y) => x * y);
        var times = Math.Max(0, TemplateValues.Whole(right)
            ?? throw new TemplateException(0, "repeats a text by something that is no whole number"));
        return times * text.Length <= TemplateBounds.MostCharacters ? string.Concat(Enumerable.Repeat(text, (int)times))
            : throw new TemplateException(0, "repeats a text beyond all measure");
    }

    private TemplateExpression Power()
    {
        var value = Signed(filters: true);
        while (tokens.Takes("**"))
        {
            var (a, b) = (value, Signed(filters: true));
            value = scope => TemplateValues.Calculate(a(scope), b(scope), (x, y) => (long)Math.Pow(x, y), (x, y) => Math.Pow(x, y));
        }
        return value;
    }

    // As in Jinja filters behind a signed value take the sign too.
    private TemplateExpression Signed(bool filters)
    {
        using var deeper = tokens.Deeper();
        if (tokens.Takes("+"))
            return Behind(Signed(filters: false), filters);
        if (!tokens.Takes("-"))
            return Behind(new TemplatePrimary(tokens, this).Read(), filters);
        var value = Signed(filters: false);
        return Behind(scope => TemplateValues.Calculate(0L, value(scope), (x, y) => checked(x - y), (x, y) => x - y), filters);
    }

    /// <summary>Fields, items, calls, filters and tests behind a value.</summary>
    private TemplateExpression Behind(TemplateExpression start, bool filters)
    {
        var value = start;
        while (true)
        {
            var before = value;
            if (tokens.Takes("."))
            {
                var name = tokens.Name();
                value = scope => TemplateValues.Field(before(scope), name, methodFirst: true);
            }
            else if (tokens.Takes("["))
                value = Item(before);
            else if (tokens.Takes("("))
                value = Call(before, Arguments());
            else if (filters && tokens.Takes("|"))
            {
                var (filter, given) = (tokens.Name(), tokens.Takes("(") ? Arguments() : TemplateArguments.None);
                value = scope => TemplateFilters.Apply(filter, before(scope), given.Placed(scope), given.Named(scope));
            }
            else if (filters && tokens.Takes("is"))
                value = Test(before);
            else
                return value;
        }
    }

    private TemplateExpression Item(TemplateExpression value)
    {
        TemplateExpression? from = null, to = null, step = null;
        if (tokens.Peek.Text != ":" || tokens.Peek.Kind == TokenKind.String)
            from = Conditional();
        if (tokens.Takes("]"))
            return scope => TemplateValues.Item(value(scope), from!(scope));
        tokens.Expect(":");
        if (tokens.Peek is not { Kind: TokenKind.Operator, Text: ":" or "]" })
            to = Conditional();
        if (tokens.Takes(":") && tokens.Peek is not { Kind: TokenKind.Operator, Text: "]" })
            step = Conditional();
        tokens.Expect("]");
        return scope => TemplateValues.Slice(value(scope), from?.Invoke(scope), to?.Invoke(scope), step?.Invoke(scope));
    }

    private static TemplateExpression Call(TemplateExpression function, TemplateArguments given) => scope => function(scope) switch
    {
        TemplateFunction call => call(given.Placed(scope), given.Named(scope)),
        var other => throw new TemplateException(0, $"calls {TemplateValues.Kind(other)}"),
    };

    private TemplateExpression Test(TemplateExpression value)
    {
        var wanted = !tokens.Takes("not");
        var name = tokens.Peek.Kind == TokenKind.Operator ? tokens.Next().Text : tokens.Name();
        var given = tokens.Takes("(") ? Arguments()
            : tokens.Peek.Kind is TokenKind.String or TokenKind.Number
                || (tokens.Peek.Kind == TokenKind.Name
                    && tokens.Peek.Text is not ("and" or "or" or "else" or "if" or "is" or "not" or "in"))
                ? new TemplateArguments([new TemplatePrimary(tokens, this).Read()], []) : TemplateArguments.None;
        return scope => TemplateFilters.Test(name, value(scope), given.Placed(scope)) == wanted;
    }

    private TemplateArguments Arguments()
    {
        var (placed, named) = (new List<TemplateExpression>(), new List<(string, TemplateExpression)>());
        while (!tokens.Takes(")"))
        {
            if (tokens.Peek.Kind == TokenKind.Name && tokens.Second is { Kind: TokenKind.Operator, Text: "=" })
            {
                var name = tokens.Name();
                tokens.Expect("=");
                named.Add((name, Conditional()));
            }
            else
                placed.Add(Conditional());
            if (!tokens.Takes(","))
            {
                tokens.Expect(")");
                break;
            }
        }
        return new TemplateArguments(placed, named);
    }

    /// <summary>What a call is given.</summary>
    private sealed record TemplateArguments(IReadOnlyList<TemplateExpression> ByPlace,
        IReadOnlyList<(string Name, TemplateExpression Value)> ByName)
    {
        public static TemplateArguments None { get; } = new([], []);

        public IReadOnlyList<object?> Placed(TemplateScope scope) => [.. ByPlace.Select(value => value(scope))];

        public Dictionary<string, object?> Named(TemplateScope scope) =>
            ByName.ToDictionary(one => one.Name, one => one.Value(scope), StringComparer.Ordinal);
    }
}
