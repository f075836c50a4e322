using FedLora.Cli.Output;
using FedLora.Simulations.Data;
using FedLora.Simulations.Results;
using FedLora.Simulations.Scenarios;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace FedLora.Cli.Commands.Simulate;

/// <summary>A simulation's tables.</summary>
internal static class SimulationTables
{
    private const int NodesShown = 16;
    private const int BarWidth = 24;

    /// <summary>Sizes as bars, and how many examples of each label.</summary>
    public static IRenderable Split(SplitSummary split)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("node").AddColumn(new TableColumn("examples").RightAligned())
            .AddColumn("");
        foreach (var label in split.Labels)
            table.AddColumn(new TableColumn(Markup.Escape(label)).RightAligned());
        var most = Math.Max(1, split.Rows.Max(row => row.Examples));
        foreach (var row in split.Rows.Take(NodesShown))
        {
            table.AddRow(
                [Markup.Escape(row.Node), row.Examples.ToString(), new string('#', (int)Math.Round((double)BarWidth * row.Examples / most)),
                    .. row.Labels.Select(count => count.ToString())]);
        }

        return split.Nodes <= NodesShown ? table : table.Caption($"and {split.Nodes - NodesShown} more");
    }

    public static Table Comparison(IReadOnlyList<ComparisonRow> rows)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("after the last round; ± half of the 95 % interval over seeds")
            .AddColumns("", "runs", "accuracy, %", "held-out loss", "epsilon", "bytes in all", "virtual time", "aggregation error");
        foreach (var row in rows)
        {
            table.AddRow(Markup.Escape(row.Name), row.Unfinished > 0 ? $"{row.Runs}, {row.Unfinished} paused" : row.Runs.ToString(),
                row.Accuracy.Show(100, "0.0"), row.HeldOutLoss.Show(1, "0.000"),
                row.Epsilon.ShowEpsilon(), row.Bytes.Mean is { } bytes ? Units.Bytes(bytes) : "-",
                row.Seconds.Mean is { } seconds ? RunProgress.Show(TimeSpan.FromSeconds(seconds)) : "-",
                row.AggregationError.Mean?.ToString("0.0e+0") ?? "-");
        }

        return table;
    }

    public static Table Presets()
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("preset", "what it asks");
        foreach (var preset in Preset.All)
            table.AddRow(preset.Name, Markup.Escape(preset.Summary));
        return table;
    }

    public static Table Differences(IReadOnlyList<DifferenceRow> rows)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("second minus first; ± half of the 95 % interval over seeds")
            .AddColumns("", "accuracy, points", "held-out loss", "seed by seed");
        foreach (var row in rows)
            table.AddRow(Markup.Escape(row.Name), row.Accuracy.Show(100, "0.0"), row.HeldOutLoss.Show(1, "0.000"),
                row.Paired ? "yes" : "no");
        return table;
    }
}
