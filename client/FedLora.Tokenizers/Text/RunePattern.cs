using System.Runtime.InteropServices;

namespace FedLora.Tokenizers.Text;

/// <summary>
/// A regular expression over code points. .NET's engine works on UTF-16 units and its own tables; tokenizer patterns mean code
/// points (letters beyond U+FFFF are letters). A backtracking matcher on a small program, with its own stack: no recursion but for
/// look-around.
/// </summary>
internal sealed class RunePattern
{
    // Oniguruma's own limit (ONIG_DEFAULT_RETRY_LIMIT_IN_MATCH in its regint.h).
    private const int MostBacktracks = 10_000_000;

    private readonly Instruction[] _program;
    private readonly string _source;
    // What a match begins with; null: anything, or it may be empty.
    private readonly RuneSet? _first;
    // The only code point that it begins with, or -1.
    private readonly int _rune;
    [ThreadStatic] private static Stack<Choice>? _choices;

    private RunePattern(Instruction[] program, string source)
    {
        (_program, _source) = (PatternBeginnings.Prune(program), source);
        _first = PatternBeginnings.Of(program, 0);
        _rune = program[0].Operation == Operation.Rune ? program[0].Argument : -1;
    }

    /// <summary>
    /// Compiles a pattern as Oniguruma writes it. Throws <see cref="FormatException"/> that names what is not understood.
    /// </summary>
    public static RunePattern Compile(string pattern) => new(new RunePatternCompiler(pattern).Compile(), pattern);

    /// <summary>A pattern that matches exactly this text.</summary>
    public static RunePattern Literal(string text) =>
        new([.. text.EnumerateRunes().Select(rune => new Instruction(Operation.Rune, rune.Value)), new Instruction(Operation.Accept)],
            text);

    /// <summary>All matches, leftmost first, not overlapping; an empty one is left out right behind another.</summary>
    /// <param name="text">The text.</param>
    /// <param name="matches">Takes [start, end) of each match.</param>
    /// <exception cref="FedLoraException"><c>tokenizer-invalid</c>: the pattern tries more ways than can be tried.</exception>
    public void FindAll(ReadOnlySpan<int> text, List<(int Start, int End)> matches)
    {
        var choices = _choices ??= new Stack<Choice>();
        var lastEnd = -1;
        for (var start = 0; start <= text.Length;)
        {
            if (_first is not null)
            {
                start = NextBeginning(text, start, _first);
                if (start >= text.Length)
                    break;
            }
            var backtracks = 0;
            var end = Run(text, 0, start, choices, ref backtracks);
            if (end < 0 || end == start && start == lastEnd)
            {
                start++;
                continue;
            }
            matches.Add((start, end));
            lastEnd = end;
            start = end == start ? start + 1 : end;
        }
    }

    /// <summary>The end of the match that begins at a position, or -1.</summary>
    public int MatchAt(ReadOnlySpan<int> text, int start)
    {
        var backtracks = 0;
        return Run(text, 0, start, _choices ??= new Stack<Choice>(), ref backtracks);
    }

    private int NextBeginning(ReadOnlySpan<int> text, int start, RuneSet first)
    {
        if (_rune >= 0)
            return text[start..].IndexOf(_rune) is >= 0 and var skipped ? start + skipped : text.Length;
        while (start < text.Length && !first.Contains(text[start]))
            start++;
        return start;
    }

    private int Run(ReadOnlySpan<int> text, int pc, int position, Stack<Choice> choices, ref int backtracks)
    {
        var floor = choices.Count;
        while (true)
        {
            var instruction = _program[pc];
            bool go;
            switch (instruction.Operation)
            {
                case Operation.Accept:
                    while (choices.Count > floor)
                        choices.Pop();
                    return position;
                case Operation.Rune:
                    go = position < text.Length && text[position] == instruction.Argument;
                    position++;
                    break;
                case Operation.Set:
                    go = position < text.Length && instruction.Set!.Contains(text[position]);
                    position++;
                    break;
                case Operation.Repeat:
                    var first = position + instruction.Minimum;
                    var limit = instruction.Maximum < 0 ? text.Length : Math.Min(text.Length, position + instruction.Maximum);
                    while (position < limit && instruction.Set!.Contains(text[position]))
                        position++;
                    go = position >= first;
                    if (position > first && !instruction.Possessive)
                        choices.Push(new Choice(pc + 1, position - 1, first));
                    break;
                case Operation.Jump:
                    pc = instruction.Argument;
                    continue;
                case Operation.Split:
                    if (!Instruction.CanBegin(text, position, instruction.Set))
                    {
                        pc = instruction.Minimum;
                        continue;
                    }
                    pc = instruction.Argument;
                    if (!Instruction.CanBegin(text, position, instruction.Second))
                        continue;
                    choices.Push(new Choice(instruction.Minimum, position, position));
                    continue;
                case Operation.Progress:
                    // The body of a loop began at this position: stop when it has matched nothing.
                    go = position > FindMark(choices, instruction.Argument);
                    break;
                case Operation.Mark:
                    choices.Push(new Choice(~instruction.Argument, position, position));
                    go = true;
                    break;
                case Operation.Atomic:
                    position = Run(text, pc + 1, position, choices, ref backtracks);
                    go = position >= 0;
                    pc = instruction.Argument - 1;
                    break;
                case Operation.Look:
                    var from = position - instruction.Minimum;
                    go = from >= 0 && Run(text, pc + 1, from, choices, ref backtracks) >= 0 != instruction.Negative
                        || from < 0 && instruction.Negative;
                    pc = instruction.Argument - 1;
                    break;
                case Operation.Start:
                    go = position == 0 || instruction.Negative && text[position - 1] == '\n';
                    break;
                case Operation.End:
                    go = position == text.Length || instruction.Negative && text[position] == '\n';
                    break;
                case Operation.Boundary:
                    go = (IsWord(text, position - 1) != IsWord(text, position)) != instruction.Negative;
                    break;
                default:
                    throw new InvalidOperationException($"unknown operation {instruction.Operation}");
            }
            if (go)
            {
                pc++;
                continue;
            }
            if (++backtracks > MostBacktracks)
            {
                choices.Clear();
                throw new FedLoraException("tokenizer-invalid",
                    $"The tokenizer's pattern {_source} tries more than {MostBacktracks} ways at one place of a text of {text.Length} "
                        + $"characters.", "Use a tokenizer without nested repetitions in its patterns.");
            }
            if (!Backtrack(choices, floor, out pc, out position))
                return -1;
        }
    }

    private static bool Backtrack(Stack<Choice> choices, int floor, out int pc, out int position)
    {
        while (choices.Count > floor)
        {
            var choice = choices.Pop();
            if (choice.Pc < 0)
                continue;
            if (choice.Position > choice.Lowest)
                choices.Push(choice with { Position = choice.Position - 1 });
            (pc, position) = (choice.Pc, choice.Position);
            return true;
        }
        (pc, position) = (-1, -1);
        return false;
    }

    private static int FindMark(Stack<Choice> choices, int mark)
    {
        foreach (var choice in choices)
        {
            if (choice.Pc == ~mark)
                return choice.Position;
        }
        return -1;
    }

    private static bool IsWord(ReadOnlySpan<int> text, int index) =>
        (uint)index < (uint)text.Length && UnicodeData.Word.Contains(text[index]);

    // What to try when the present way fails: Pc at Position, then at each position down to Lowest. Pc < 0 only marks where a loop's body
    // began.
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Choice(int Pc, int Position, int Lowest);

    internal enum Operation { Accept, Rune, Set, Repeat, Jump, Split, Mark, Progress, Atomic, Look, Start, End, Boundary }

    /// <summary>
    /// One step. Argument: code point, target or mark; Minimum: least repeats, second target, or length looked back. Of a Split, Set and
    /// Second are what its two ways begin with (null: anything).
    /// </summary>
    internal sealed record Instruction(
        Operation Operation, int Argument = 0, RuneSet? Set = null, int Minimum = 0, int Maximum = -1, bool Possessive = false,
        bool Negative = false, RuneSet? Second = null)
    {
        public static bool CanBegin(ReadOnlySpan<int> text, int position, RuneSet? set) =>
            set is null || (uint)position < (uint)text.Length && set.Contains(text[position]);
    }
}
