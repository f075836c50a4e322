using static FedLora.Tokenizers.Text.RunePattern;

namespace FedLora.Tokenizers.Text;

/// <summary>Compiles a regular expression (the part of Oniguruma's syntax that tokenizers use) for <see cref="RunePattern"/>.</summary>
internal sealed class RunePatternCompiler(string pattern)
{
    private const int LargestCount = 1000;
    private readonly PatternReader _reader = new(pattern);
    private readonly List<Instruction> _program = [];
    private bool _ignoreCase;
    private int _marks;

    public Instruction[] Compile()
    {
        Alternatives();
        if (!_reader.AtEnd)
            throw _reader.Error("an unmatched ')'");
        _program.Add(new Instruction(Operation.Accept));
        return [.. _program];
    }

    private void Alternatives()
    {
        var ignoreCase = _ignoreCase;
        var start = _program.Count;
        Sequence();
        var jumps = new List<int>();
        while (_reader.Take('|'))
        {
            Insert(start, new Instruction(Operation.Split, start + 1, Minimum: _program.Count + 2));
            jumps.Add(_program.Count);
            _program.Add(new Instruction(Operation.Jump));
            start = _program.Count;
            Sequence();
        }
        foreach (var jump in jumps)
            _program[jump] = new Instruction(Operation.Jump, _program.Count);
        _ignoreCase = ignoreCase;
    }

    private void Sequence()
    {
        while (!_reader.AtEnd && _reader.Peek is not ('|' or ')'))
        {
            var start = _program.Count;
            Atom();
            while (Quantifier(out var minimum, out var maximum, out var kind))
                Repeat(start, minimum, maximum, kind);
        }
    }

    private void Atom()
    {
        switch (_reader.Next())
        {
            case '(': Group(); break;
            case '[': Add(_reader.Class(_ignoreCase)); break;
            case '.': Add(new RuneSet(rune => rune != '\n')); break;
            case '^': _program.Add(new Instruction(Operation.Start, Negative: true)); break;
            case '$': _program.Add(new Instruction(Operation.End, Negative: true)); break;
            case '*' or '+' or '?': throw _reader.Error("a repetition of nothing");
            case '\\': Escape(); break;
            case var rune: Literal(rune); break;
        }
    }

    private void Escape()
    {
        switch (_reader.Peek)
        {
            case 'b' or 'B':
                _program.Add(new Instruction(Operation.Boundary, Negative: _reader.Next() == 'B'));
                break;
            case 'A':
                _reader.Next();
                _program.Add(new Instruction(Operation.Start));
                break;
            case 'z' or 'Z':
                _reader.Next();
                _program.Add(new Instruction(Operation.End));
                break;
            default:
                if (_reader.EscapedSet() is { } set)
                    Add(set);
                else
                    Literal(_reader.EscapedRune());
                break;
        }
    }

    private void Group()
    {
        var outer = _ignoreCase;
        if (!_reader.Take('?'))
        {
            Body(null);
        }
        else
        {
            var kind = _reader.Next();
            switch (kind)
            {
                case ':': Body(null); break;
                case '>': Body(new Instruction(Operation.Atomic)); break;
                case '=' or '!': Body(new Instruction(Operation.Look, Negative: kind == '!')); break;
                case '<' when _reader.Peek is '=' or '!':
                    Body(new Instruction(Operation.Look, Negative: _reader.Next() == '!', Minimum: -1)); break;
                default:
                    for (var on = true; kind is not (':' or ')'); kind = _reader.Next())
                    {
                        if (kind == '-')
                            on = false;
                        else if (kind == 'i')
                            _ignoreCase = on;
                        else
                            throw _reader.Error($"the group '(?{char.ConvertFromUtf32(kind)}'");
                    }
                    // "(?i)" holds to the end of the group around it.
                    if (kind == ')')
                        return;
                    Body(null);
                    break;
            }
        }
        _ignoreCase = outer;
    }

    private void Body(Instruction? opening)
    {
        var start = _program.Count;
        if (opening is not null)
            _program.Add(opening);
        Alternatives();
        if (!_reader.Take(')'))
            throw _reader.Error("a group that is not closed");
        if (opening is null)
            return;
        _program.Add(new Instruction(Operation.Accept));
        var back = opening.Minimum < 0 ? FixedLength(start + 1, _program.Count - 1) : 0;
        _program[start] = opening with { Argument = _program.Count, Minimum = back };
    }

    private int FixedLength(int start, int end)
    {
        var length = 0;
        for (var i = start; i < end; i++)
        {
            length += _program[i] switch
            {
                { Operation: Operation.Rune or Operation.Set } => 1,
                { Operation: Operation.Repeat } repeat when repeat.Minimum == repeat.Maximum => repeat.Minimum,
                _ => throw _reader.Error("a look-behind of no fixed length"),
            };
        }
        return length;
    }

    private bool Quantifier(out int minimum, out int maximum, out int kind)
    {
        (minimum, maximum, kind) = (0, -1, 0);
        if (_reader.Take('+'))
            minimum = 1;
        else if (_reader.Take('?'))
            maximum = 1;
        else if (!_reader.Take('*') && !_reader.Counts(out minimum, out maximum))
            return false;
        if (Math.Max(minimum, maximum) > LargestCount)
            throw _reader.Error($"a repetition of more than {LargestCount}");
        kind = _reader.Take('?') ? '?' : _reader.Take('+') ? '+' : 0;
        return true;
    }

    private void Repeat(int start, int minimum, int maximum, int kind)
    {
        var body = _program.GetRange(start, _program.Count - start);
        if (kind != '?' && body is [{ Operation: Operation.Rune or Operation.Set }])
        {
            var set = body[0].Set ?? Single(body[0].Argument);
            _program[start] = new Instruction(Operation.Repeat, Set: set, Minimum: minimum, Maximum: maximum, Possessive: kind == '+');
            return;
        }
        _program.RemoveRange(start, body.Count);
        if (kind == '+')
            _program.Add(new Instruction(Operation.Atomic));
        for (var i = 0; i < minimum; i++)
            Paste(body, start);
        if (maximum < 0)
        {
            var mark = _marks++;
            var loop = _program.Count;
            _program.Add(new Instruction(Operation.Jump));
            _program.Add(new Instruction(Operation.Mark, mark));
            Paste(body, start);
            _program.Add(new Instruction(Operation.Progress, mark));
            _program.Add(new Instruction(Operation.Jump, loop));
            _program[loop] = Branch(loop + 1, _program.Count, kind);
        }
        for (var i = minimum; i < maximum; i++)
        {
            var at = _program.Count;
            _program.Add(new Instruction(Operation.Jump));
            Paste(body, start);
            _program[at] = Branch(at + 1, _program.Count, kind);
        }
        if (kind == '+')
        {
            _program.Add(new Instruction(Operation.Accept));
            _program[start] = new Instruction(Operation.Atomic, _program.Count);
        }
    }

    private static Instruction Branch(int into, int past, int kind) => kind == '?'
        ? new Instruction(Operation.Split, past, Minimum: into)
        : new Instruction(Operation.Split, into, Minimum: past);

    private void Paste(List<Instruction> body, int origin)
    {
        var shift = _program.Count - origin;
        foreach (var instruction in body)
            _program.Add(Shift(instruction, shift));
    }

    private void Insert(int at, Instruction instruction)
    {
        for (var i = at; i < _program.Count; i++)
            _program[i] = Shift(_program[i], 1);
        _program.Insert(at, instruction);
    }

    private static Instruction Shift(Instruction instruction, int by) => instruction.Operation switch
    {
        Operation.Jump or Operation.Atomic or Operation.Look => instruction with { Argument = instruction.Argument + by },
        Operation.Split => instruction with { Argument = instruction.Argument + by, Minimum = instruction.Minimum + by },
        _ => instruction,
    };

    private void Literal(int rune)
    {
        if (_ignoreCase && PatternReader.Fold([rune]) is { Count: > 1 } folded)
            Add(new RuneSet(folded.Contains));
        else
            _program.Add(new Instruction(Operation.Rune, rune));
    }

    private void Add(RuneSet set) => _program.Add(new Instruction(Operation.Set, Set: set));

    private static RuneSet Single(int rune) => new(other => other == rune);
}
