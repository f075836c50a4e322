using static FedLora.Tokenizers.Text.RunePattern;

namespace FedLora.Tokenizers.Text;

/// <summary>What the ways through a pattern's program begin with, so that one that cannot match is not tried, nor kept for later.</summary>
internal static class PatternBeginnings
{
    /// <summary>
    /// The same program, its choices told what they begin with, and repetitions that nothing follows made to keep what they have.
    /// </summary>
    public static Instruction[] Prune(Instruction[] program) => [.. program.Select((instruction, pc) => instruction.Operation switch
    {
        Operation.Split => instruction with { Set = Of(program, instruction.Argument), Second = Of(program, instruction.Minimum) },
        Operation.Repeat when IsLast(program, pc + 1) => instruction with { Possessive = true },
        _ => instruction,
    })];

    /// <summary>
    /// The code points that a match from an instruction on can begin with; null when it may be empty, or begin with anything.
    /// </summary>
    public static RuneSet? Of(Instruction[] program, int pc)
    {
        var sets = new List<RuneSet>();
        return Collect(program, pc, [], sets) ? Union([.. sets]) : null;
    }

    private static bool IsLast(Instruction[] program, int pc)
    {
        while (program[pc].Operation == Operation.Jump && program[pc].Argument > pc)
            pc = program[pc].Argument;
        return program[pc].Operation == Operation.Accept;
    }

    private static bool Collect(Instruction[] program, int pc, HashSet<int> seen, List<RuneSet> sets)
    {
        if (!seen.Add(pc))
            return true;
        var instruction = program[pc];
        switch (instruction.Operation)
        {
            case Operation.Rune:
                sets.Add(new RuneSet(rune => rune == instruction.Argument));
                return true;
            case Operation.Set:
                sets.Add(instruction.Set!);
                return true;
            case Operation.Repeat:
                sets.Add(instruction.Set!);
                return instruction.Minimum > 0 || Collect(program, pc + 1, seen, sets);
            case Operation.Jump:
                return Collect(program, instruction.Argument, seen, sets);
            case Operation.Split:
                return Collect(program, instruction.Argument, seen, sets) && Collect(program, instruction.Minimum, seen, sets);
            // Conditions only take away.
            case Operation.Look:
                return Collect(program, instruction.Argument, seen, sets);
            case Operation.Mark or Operation.Atomic or Operation.Start or Operation.End or Operation.Boundary:
                return Collect(program, pc + 1, seen, sets);
            default:
                return false;
        }
    }

    private static RuneSet Union(RuneSet[] sets) =>
        sets.Length == 1 ? sets[0] : new RuneSet(rune => Array.Exists(sets, set => set.Contains(rune)));
}
