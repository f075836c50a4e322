namespace FedLora.Tokenizers.Chat;

/// <summary>Computes a value.</summary>
internal delegate object? TemplateExpression(TemplateScope scope);

/// <summary>Reads Jinja's expressions, by its order of precedence: if-else, or, and, not, comparisons, + -, ~, * / // %, signs, **, and
/// what stands behind a value.</summary>
internal sealed class TemplateExpressions(TemplateCursor tokens)
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    /// <summary>A whole expression of a statement.</summary>
    public TemplateExpression Whole() => Counted(Conditional);

    /// <summary>One that ends before an <c>if</c>.</summary>
    public TemplateExpression WithoutCondition() => Counted(Or);

    /// <summary>An expression within another, which counts it.</summary>
    public TemplateExpression Conditional()
    {
        using var deeper = tokens.Deeper();
        var value = Or();
        var conditions = new List<(TemplateExpression Holds, TemplateExpression Otherwise)>();
        while (tokens.Takes("if"))
        {
            conditions.Add((Or(), tokens.Takes("else") ? Conditional()
                : _ => Undefined.Named("the value of an if without else")));
        }
        if (conditions.Count == 0)
            return value;
        conditions.Reverse();
        return scope =>
        {
            foreach (var (holds, otherwise) in conditions)
            {
                if (!TemplateValues.IsTrue(holds(scope)))
                    return otherwise(scope);
            }
            return value(scope);
        };
    }

    private TemplateExpression Or() => FirstOf("or", And, wanted: true);

    private TemplateExpression And() => FirstOf("and", Not, wanted: false);

    // A chain is gone through in a loop, here and below: closures within closures would use up the stack.
    private TemplateExpression FirstOf(string word, Func<TemplateExpression> read, bool wanted)
    {
        var values = new List<TemplateExpression> { read() };
        while (tokens.Takes(word))
            values.Add(read());
        return values.Count == 1 ? values[0] : scope =>
        {
            object? value = null;
            foreach (var next in values)
            {
                value = next(scope);
                if (TemplateValues.IsTrue(value) == wanted)
                    break;
            }
            return value;
        };
    }

    // Each evaluation counts as much as the expression is long.
    private TemplateExpression Counted(Func<TemplateExpression> read)
    {
        var begin = tokens.Taken;
        var value = read();
        var work = (tokens.Taken - begin) * TemplateBounds.Item;
        return scope =>
        {
            scope.Bounds.Spend(work);
            return value(scope);
        };
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
            if (Array.Find(Comparisons, tokens.Takes) is { } found)
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
                if (!Compared(op, left, right, scope.Bounds))
                    return false;
                left = right;
            }
            return true;
        };
    }

    private static bool Compared(string op, object? left, object? right, TemplateBounds bounds) => op switch
    {
        "==" => TemplateValues.Equals(left, right, bounds),
        "!=" => !TemplateValues.Equals(left, right, bounds),
        "in" => TemplateValues.Contains(right, left, bounds),
        "not in" => !TemplateValues.Contains(right, left, bounds),
        "<" => TemplateValues.Compare(left, right, bounds) < 0,
        "<=" => TemplateValues.Compare(left, right, bounds) <= 0,
        ">" => TemplateValues.Compare(left, right, bounds) > 0,
        _ => TemplateValues.Compare(left, right, bounds) >= 0,
    };

    private TemplateExpression Sum() => Chain(Joined, ["+", "-"], (op, left, right, bounds) => op == "+"
        ? TemplateValues.Add(left, right, bounds)
        : TemplateValues.Calculate(left, right, (x, y) => checked(x - y), (x, y) => x - y));

    private TemplateExpression Joined() => Chain(Product, ["~"], (_, left, right, bounds) =>
        TemplateValues.Joined(TemplateValues.Text(left, bounds), TemplateValues.Text(right, bounds), bounds));

    private TemplateExpression Product() => Chain(Power, ["*", "/", "//", "%"], (op, left, right, bounds) => op switch
    {
        "*" => Times(left, right, bounds),
        "/" => TemplateValues.Calculate(left, right, (x, y) => y == 0 ? throw new DivideByZeroException() : (double)x / y, (x, y) => x / y),
        "//" => TemplateValues.Calculate(left, right, (x, y) =>
            x / y - (x % y != 0 && x % y < 0 != y < 0 ? 1 : 0), (x, y) => Math.Floor(x / y)),
        _ => TemplateValues.Calculate(left, right, (x, y) => ((x % y) + y) % y, (x, y) => x - (y * Math.Floor(x / y))),
    });

    private TemplateExpression Power() => Chain(() => Signed(filters: true), ["**"], (_, left, right, _) =>
        TemplateValues.Calculate(left, right, (x, y) => (long)Math.Pow(x, y), (x, y) => Math.Pow(x, y)));

    private TemplateExpression Chain(Func<TemplateExpression> read, string[] operators,
        Func<string, object?, object?, TemplateBounds, object?> apply)
    {
        var first = read();
        var rest = new List<(string Operator, TemplateExpression Right)>();
        while (Array.Find(operators, tokens.Takes) is { } found)
            rest.Add((found, read()));
        return rest.Count == 0 ? first : scope =>
        {
            var value = first(scope);
            foreach (var (op, right) in rest)
                value = apply(op, value, right(scope), scope.Bounds);
            return value;
        };
    }

    private static object? Times(object? left, object? right, TemplateBounds bounds)
    {
        if (left is not string text)
            return TemplateValues.Calculate(left, right, (x, y) => checked(x * y), (x, y) => x * y);
        var times = Math.Max(0, TemplateValues.Whole(right)
            ?? throw new TemplateException(0, "repeats a text by something that is no whole number"));
        // Nothing is repeated so often that the product would be too large a number.
        if (text.Length == 0)
            return text;
        if (times > TemplateBounds.MostCharacters / text.Length)
            throw new TemplateException(0, "repeats a text beyond all measure");
        bounds.Spend(times * text.Length);
        return string.Concat(Enumerable.Repeat(text, (int)times));
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
        var links = new List<Link>();
        while (true)
        {
            if (tokens.Takes("."))
            {
                var name = tokens.Name();
                links.Add((value, scope) => TemplateValues.Field(value, name, methodFirst: true, scope.Bounds));
            }
            else if (tokens.Takes("["))
                links.Add(Item());
            else if (tokens.Takes("("))
                links.Add(Call(Arguments()));
            else if (filters && tokens.Takes("|"))
            {
                var (filter, given) = (tokens.Name(), tokens.Takes("(") ? Arguments() : TemplateArguments.None);
                links.Add((value, scope) => TemplateFilters.Apply(filter, value, given.Placed(scope), given.Named(scope), scope.Bounds));
            }
            else if (filters && tokens.Takes("is"))
                links.Add(Test());
            else
                break;
        }
        return links.Count == 0 ? start : scope =>
        {
            var value = start(scope);
            foreach (var link in links)
                value = link(value, scope);
            return value;
        };
    }

    private Link Item()
    {
        TemplateExpression? from = null, to = null, step = null;
        if (tokens.Peek.Text != ":" || tokens.Peek.Kind == TokenKind.String)
            from = Conditional();
        if (tokens.Takes("]"))
            return (value, scope) => TemplateValues.Item(value, from!(scope), scope.Bounds);
        tokens.Expect(":");
        if (tokens.Peek is not { Kind: TokenKind.Operator, Text: ":" or "]" })
            to = Conditional();
        if (tokens.Takes(":") && tokens.Peek is not { Kind: TokenKind.Operator, Text: "]" })
            step = Conditional();
        tokens.Expect("]");
        return (value, scope) => TemplateValues.Slice(value, from?.Invoke(scope), to?.Invoke(scope), step?.Invoke(scope), scope.Bounds);
    }

    private static Link Call(TemplateArguments given) => (value, scope) => value switch
    {
        TemplateFunction call => call(given.Placed(scope), given.Named(scope)),
        var other => throw new TemplateException(0, $"calls {TemplateValues.Kind(other)}"),
    };

    private Link Test()
    {
        var wanted = !tokens.Takes("not");
        var name = tokens.Peek.Kind == TokenKind.Operator ? tokens.Next().Text : tokens.Name();
        var given = tokens.Takes("(") ? Arguments()
            : tokens.Peek.Kind is TokenKind.String or TokenKind.Number
                || (tokens.Peek.Kind == TokenKind.Name
                    && tokens.Peek.Text is not ("and" or "or" or "else" or "if" or "is" or "not" or "in"))
                ? new TemplateArguments([new TemplatePrimary(tokens, this).Read()], []) : TemplateArguments.None;
        return (value, scope) => TemplateFilters.Test(name, value, given.Placed(scope), scope.Bounds) == wanted;
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

    /// <summary>Makes a value of the one before it.</summary>
    private delegate object? Link(object? value, TemplateScope scope);

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
