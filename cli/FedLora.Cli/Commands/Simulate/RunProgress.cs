using FedLora.Cli.Output;
using FedLora.Privacy;
using FedLora.Simulations.Data;
using FedLora.Simulations.Results;
using FedLora.Simulations.Running;

namespace FedLora.Cli.Commands.Simulate;

/// <summary>A run as it is seen while it goes on: who has what, then a line a round, with the time left.</summary>
internal sealed class RunProgress(CommandOutput output, TimeProvider time) : IRunWatcher
{
    private const double MostLines = 200;
    private readonly long _started = time.GetTimestamp();
    private long? _first;

    public void Ready(SplitSummary split, IReadOnlyList<string> remarks)
    {
        foreach (var remark in remarks)
            output.Remark(remark);
        output.Progress.Write(SimulationTables.Split(split));
        output.Remark($"{split.Nodes} nodes with {split.Least} to {split.Most} examples, median {split.Median}");
        if (split.Few > 0)
            output.Remark($"{split.Few} nodes have few examples, {split.Empty} of them none: those take no part");
    }

    public void Committed(ResultLine line, int rounds)
    {
        _first ??= time.GetTimestamp();
        var left = line.Round == 1 ? time.GetElapsedTime(_started) * (rounds - 1)
            : time.GetElapsedTime(_first.Value) / (line.Round - 1) * (rounds - line.Round);
        if (line.Round == rounds || line.Round % Math.Ceiling(rounds / MostLines) < 1)
            output.Remark(
                $"round {line.Round} of {rounds} at {Show(TimeSpan.FromSeconds(line.Seconds))}: {Show(line)}; about {Show(left)} to go");
    }

    /// <summary>A round in a few words.</summary>
    public static string Show(ResultLine? line) => line is null ? "no round was committed"
        : $"{line.Updates} updates{(line.Lost > 0 ? $", {line.Lost} lost" : "")}{(line.Loss is { } loss ? $", loss {loss:0.000}" : "")}"
            + $"{(line.Accuracy is { } accuracy ? $", held-out accuracy {Units.Percent(accuracy)}" : "")}"
            + $"{(line.Epsilon is { } epsilon ? $", epsilon {EpsilonText.AtMost(epsilon, 2)}" : "")}";

    /// <summary>A length of time for people.</summary>
    public static string Show(TimeSpan time) =>
        time.TotalSeconds < 100 ? $"{time.TotalSeconds:0.0} s" : time.TotalMinutes < 100 ? $"{time.TotalMinutes:0} min"
            : $"{time.TotalHours:0.0} h";
}
