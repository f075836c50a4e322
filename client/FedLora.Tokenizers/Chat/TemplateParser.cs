using System.Text;

namespace FedLora.Tokenizers.Chat;

/// <summary>Renders one piece of a template.</summary>
internal delegate void TemplatePart(TemplateScope scope, StringBuilder output);

/// <summary>Reads a template's statements and makes them into code that renders them.</summary>
internal sealed class TemplateParser
{
    private readonly TemplateCursor _tokens;
    private readonly TemplateExpressions _expressions;

    private TemplateParser(TemplateCursor tokens) => (_tokens, _expressions) = (tokens, new TemplateExpressions(tokens));

    public static TemplatePart Parse(string source)
    {
        var parser = new TemplateParser(new TemplateCursor(TemplateLexer.Read(source)));
        var whole = parser.Block();
        return parser._tokens.Peek.Kind == TokenKind.EndOfTemplate ? whole
            : throw parser._tokens.Error($"has '{parser._tokens.Peek.Text}' without its beginning");
    }

    /// <summary>Everything up to a statement that begins with one of these words, which stays to be read.</summary>
    private TemplatePart Block(params string[] until)
    {
        using var deeper = _tokens.Deeper();
        var parts = new List<TemplatePart>();
        while (_tokens.Peek.Kind != TokenKind.EndOfTemplate)
        {
            if (_tokens.Peek.Kind == TokenKind.Text)
            {
                var text = _tokens.Next().Text;
                parts.Add((scope, output) => scope.Write(output, text));
                continue;
            }
            if (_tokens.Peek.Text == "{{")
            {
                var line = _tokens.Next().Line;
                var value = _expressions.Whole();
                _tokens.End();
                parts.Add(At(line, (scope, output) => scope.Write(output, TemplateValues.Text(value(scope), scope.Bounds))));
                continue;
            }
            if (until.Contains(_tokens.Second.Text, StringComparer.Ordinal))
                break;
            if (_tokens.Second.Text.StartsWith("end", StringComparison.Ordinal) || _tokens.Second.Text is "else" or "elif")
                throw _tokens.Error($"has '{_tokens.Second.Text}' without its beginning");
            parts.Add(Statement());
        }
        if (until.Length > 0 && _tokens.Peek.Kind == TokenKind.EndOfTemplate)
            throw _tokens.Error($"ends without '{until[^1]}'");
        TemplatePart[] all = [.. parts];
        return (scope, output) =>
        {
            foreach (var part in all)
                part(scope, output);
        };
    }

    private TemplatePart Statement()
    {
        var line = _tokens.Next().Line;
        var word = _tokens.Name();
        return At(line, word switch
        {
            "if" => If(),
            "for" => For(),
            "set" => Set(),
            "macro" => Macro(),
            "generation" => Generation(),
            "break" => Ended((_, _) => throw new LoopEnd(goesOn: false)),
            "continue" => Ended((_, _) => throw new LoopEnd(goesOn: true)),
            _ => throw _tokens.Error($"has the statement '{word}', which is not known here"),
        });
    }

    private TemplatePart Ended(TemplatePart part)
    {
        _tokens.End();
        return part;
    }

    private TemplatePart If()
    {
        var branches = new List<(TemplateExpression Holds, TemplatePart Then)>();
        TemplatePart? otherwise = null;
        string word;
        do
        {
            var condition = _expressions.Whole();
            _tokens.End();
            branches.Add((condition, Block("elif", "else", "endif")));
            _ = _tokens.Next();
            word = _tokens.Name();
        }
        while (word == "elif");
        _tokens.End();
        if (word == "else")
        {
            otherwise = Block("endif");
            Close();
        }
        return (scope, output) =>
        {
            foreach (var (holds, then) in branches)
            {
                if (!TemplateValues.IsTrue(holds(scope)))
                    continue;
                then(scope, output);
                return;
            }
            otherwise?.Invoke(scope, output);
        };
    }

    private TemplatePart For()
    {
        var names = Targets();
        _tokens.Expect("in");
        var items = _expressions.WithoutCondition();
        var filter = _tokens.Takes("if") ? _expressions.Whole() : null;
        _tokens.End();
        var body = Block("else", "endfor");
        _ = _tokens.Next();
        TemplatePart? empty = null;
        if (_tokens.Name() == "else")
        {
            _tokens.End();
            empty = Block("endfor");
            Close();
        }
        else
            _tokens.End();
        return (scope, output) =>
        {
            var all = TemplateValues.Items(items(scope), scope.Bounds);
            if (filter is not null)
                all = [.. all.Where(item => TemplateValues.IsTrue(filter(Assigned(scope.Within(), names, item))))];
            if (all.Count == 0)
                empty?.Invoke(scope, output);
            for (var i = 0; i < all.Count; i++)
            {
                var within = Assigned(scope.Within(), names, all[i]);
                within["loop"] = Loop(i, all.Count, i > 0 ? all[i - 1] : Undefined.Named("previtem"), i + 1 < all.Count ? all[i + 1]
                    : Undefined.Named("nextitem"));
                try
                {
                    body(within, output);
                }
                catch (LoopEnd end)
                {
                    if (!end.GoesOn)
                        break;
                }
            }
        };
    }

    private static Dictionary<string, object?> Loop(long index, long count, object? previous, object? next) => new(StringComparer.Ordinal)
    {
        ["index"] = index + 1,
        ["index0"] = index,
        ["revindex"] = count - index,
        ["revindex0"] = count - index - 1,
        ["first"] = index == 0,
        ["last"] = index == count - 1,
        ["length"] = count,
        ["previtem"] = previous,
        ["nextitem"] = next,
        ["cycle"] = (TemplateFunction)((given, _) => given[(int)(index % given.Count)]),
    };

    private TemplatePart Set()
    {
        var names = Targets();
        if (names is [var space] && _tokens.Takes("."))
        {
            var field = _tokens.Name();
            _tokens.Expect("=");
            var set = _expressions.Whole();
            _tokens.End();
            return (scope, _) => (scope[space] as TemplateNamespace
                ?? throw new TemplateException(0, $"sets a field of '{space}', which is no namespace")).Fields[field] = set(scope);
        }
        if (_tokens.Takes("="))
        {
            var value = _expressions.Whole();
            _tokens.End();
            return (scope, _) => Assigned(scope, names, value(scope));
        }
        _tokens.End();
        var body = Block("endset");
        Close();
        return (scope, _) => scope[names[0]] = Rendered(body, scope.Within());
    }

    private TemplatePart Macro()
    {
        var name = _tokens.Name();
        _tokens.Expect("(");
        var parameters = new List<(string Name, TemplateExpression? Otherwise)>();
        while (!_tokens.Takes(")"))
        {
            parameters.Add((_tokens.Name(), _tokens.Takes("=") ? _expressions.Whole() : null));
            if (!_tokens.Takes(","))
            {
                _tokens.Expect(")");
                break;
            }
        }
        _tokens.End();
        var body = Block("endmacro");
        Close();
        return (scope, _) => scope[name] = (TemplateFunction)((given, named) => scope.Bounds.Call(() =>
        {
            var within = scope.Within();
            foreach (var (i, (parameter, otherwise)) in parameters.Index())
                within[parameter] = i < given.Count ? given[i] : named.TryGetValue(parameter, out var value) ? value
                    : otherwise?.Invoke(within) ?? (otherwise is null ? Undefined.Named(parameter) : null);
            return Rendered(body, within);
        }));
    }

    // What transformers' own tag encloses, the assistant's words, is rendered as it stands.
    private TemplatePart Generation()
    {
        _tokens.End();
        var body = Block("endgeneration");
        Close();
        return body;
    }

    private void Close()
    {
        _ = _tokens.Next();
        _ = _tokens.Name();
        _tokens.End();
    }

    private string[] Targets()
    {
        var brackets = _tokens.Takes("(");
        var names = new List<string> { _tokens.Name() };
        while (_tokens.Takes(","))
            names.Add(_tokens.Name());
        if (brackets)
            _tokens.Expect(")");
        return [.. names];
    }

    private static TemplateScope Assigned(TemplateScope scope, string[] names, object? value)
    {
        if (names.Length == 1)
        {
            scope[names[0]] = value;
            return scope;
        }
        var items = TemplateValues.Items(value, scope.Bounds);
        if (items.Count != names.Length)
            throw new TemplateException(0, $"takes {items.Count} values apart into {names.Length} names");
        foreach (var (name, item) in names.Zip(items))
            scope[name] = item;
        return scope;
    }

    private static string Rendered(TemplatePart body, TemplateScope scope)
    {
        var output = new StringBuilder();
        body(scope, output);
        return output.ToString();
    }

    // The innermost statement that fails says where.
    private static TemplatePart At(int line, TemplatePart part) => (scope, output) =>
    {
        scope.Bounds.Enter();
        try
        {
            scope.Bounds.Spend(TemplateBounds.Item);
            part(scope, output);
        }
        catch (TemplateException e) when (!e.HasLine)
        {
            throw new TemplateException(line, e.Message);
        }
        finally
        {
            scope.Bounds.Leave();
        }
    };

    private sealed class LoopEnd(bool goesOn) : Exception
    {
        public bool GoesOn => goesOn;
    }
}
