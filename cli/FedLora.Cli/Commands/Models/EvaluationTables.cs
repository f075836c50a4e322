using FedLora.Training.Running;
using Spectre.Console;

namespace FedLora.Cli.Commands.Models;

/// <summary>An evaluation for people.</summary>
internal static class EvaluationTables
{
    public static void Show(IAnsiConsole console, EvaluateJson result)
    {
        var table = new Table().AddColumn("measure").AddColumn(new TableColumn("value").RightAligned());
        table.AddRow("examples", $"{result.Examples}").AddRow("loss (nats)", $"{result.Loss:F4}")
            .AddRow("accuracy", Percent(result.Accuracy));
        if (result.MacroF1 is { } f1)
            table.AddRow("macro F1", Percent(f1));
        if (result.Perplexity is { } value)
            table.AddRow("perplexity", $"{value:F3}");
        table.AddRow("calibration error (ECE)", Percent(result.CalibrationError)).AddRow("examples cut", $"{result.Truncated}");
        if (result.Windows > result.Examples)
            table.AddRow("windows", $"{result.Windows}");
        table.AddRow("lines left out", $"{result.Skipped}").AddRow("seconds", $"{result.Seconds:F1}");
        console.Write(table);
        if (result.Classes is { } classes)
            console.Write(Classes(classes));
    }

    /// <summary>A class for each label that was measured.</summary>
    public static IReadOnlyList<ClassJson>? ClassesOf(Confusion? confusion, IReadOnlyList<string> labels) => confusion is null ? null
        : [.. confusion.Scores.Zip(labels, (score, label) => new ClassJson(label, score.Precision, score.Recall, score.F1, score.Support))];

    /// <summary>Its counts, row by row.</summary>
    public static IReadOnlyList<IReadOnlyList<long>>? RowsOf(Confusion? confusion) => confusion is null ? null
        : [.. Enumerable.Range(0, confusion.Classes).Select(row =>
            Enumerable.Range(0, confusion.Classes).Select(column => confusion[row, column]).ToArray())];

    private static Table Classes(IReadOnlyList<ClassJson> classes)
    {
        var table = new Table().AddColumn("label");
        foreach (var title in (string[])["precision", "recall", "F1", "examples"])
            table.AddColumn(new TableColumn(title).RightAligned());
        foreach (var one in classes)
            table.AddRow(Markup.Escape(one.Label), Percent(one.Precision), Percent(one.Recall), Percent(one.F1), $"{one.Support}");
        return table;
    }

    private static string Percent(double share) => $"{100 * share:F2} %";
}
