using FedLora.Cli.Output;
using Spectre.Console;

namespace FedLora.Benchmarks;

/// <summary>Writes the rows of a benchmark: a table, or one document under <c>--json</c>.</summary>
public static class BenchReport
{
    public static void Write(CommandOutput output, IReadOnlyList<BenchRow> rows) => output.Result(new BenchJson(rows), console =>
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumn("benchmark").AddColumn(new TableColumn("value").RightAligned()).AddColumn("unit")
            .AddColumn("compared with").AddColumn(new TableColumn("ratio (>1 better)").RightAligned());
        foreach (var row in rows)
        {
            table.AddRow(Markup.Escape(row.Name), row.Value.ToString("#,0.###"), Markup.Escape(row.Unit),
                Markup.Escape(row.Peer ?? ""), row.Ratio?.ToString("0.00x") ?? "");
        }

        console.Write(table);
    });
}

/// <param name="Rows">The figures, in the order in which they were measured.</param>
internal sealed record BenchJson(IReadOnlyList<BenchRow> Rows);
