using FedLora.Aggregation;
using FedLora.Cli.Output;
using FedLora.Cli.Plots;
using Spectre.Console;

namespace FedLora.Cli.Demo;

/// <summary><c>fedlora demo --compare</c>: a real federation for every method, one after the other, on the same mail.</summary>
internal static class CompareRun
{
    internal static async Task RunAsync(DemoOptions options, CommandOutput output, CancellationToken cancellationToken)
    {
        var results = new List<MethodResult>();
        var all = Path.GetFullPath(options.Out);
        var report = new CompareReport(results, Path.Combine(all, "comparison.svg"));
        await using var run = await MethodRun.StartAsync(options, output, cancellationToken);
        foreach (var method in Methods.All)
        {
            output.Remark($"{method.Name} ({results.Count + 1} of {Methods.All.Count}) ...");
            results.Add(await run.NextAsync(options with { Method = method.Name, Federation = method.Name }, cancellationToken));
            // After each, so that an interrupted run leaves what it has seen.
            AtomicFile.Write(report.Picture, SvgChart.Draw(Picture(results, options)));
            AtomicFile.Write(Path.Combine(all, "comparison.json"), Json.Write(report));
        }
        output.Result(report, console =>
        {
            console.Write(Table(results));
            console.WriteLine($"The picture: {report.Picture}");
        });
    }

    /// <summary>A dot per method; its legend says accuracy and aggregation error.</summary>
    internal static ScatterChart Picture(IReadOnlyList<MethodResult> results, DemoOptions options) => new(
        $"Federated LoRA methods: same mail, seed and steps ({options.Rounds} rounds x {options.Steps} steps, {options.Nodes} sites)",
        "bytes per node and round, up and down, on the socket",
        "accuracy on held-out mail, %",
        [.. results.OrderByDescending(result => result.Accuracy).ThenBy(result => result.Method, StringComparer.Ordinal)
            .Select(result => new ScatterSeries(
                $"{result.Method} {result.Accuracy * 100:0.0} %, error {Error(result)}",
                [(result.BytesUpPerNode + result.BytesDownPerNode, result.Accuracy * 100)]))],
        Units.Bytes);

    private static string Error(MethodResult result) => result.AggregationError?.ToString("0.0e+0") ?? "-";

    private static Table Table(IEnumerable<MethodResult> results)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("same mail, same seed, same number of steps")
            .AddColumns("method", "accuracy", "macro-F1", "up per node and round", "down per node and round", "server ms",
                "aggregation error");
        foreach (var result in results)
        {
            table.AddRow(Markup.Escape(result.Method), Units.Percent(result.Accuracy), result.MacroF1.ToString("0.000"),
                Units.Bytes(result.BytesUpPerNode),
                Units.Bytes(result.BytesDownPerNode), result.ServerMs.ToString("0.0"), Error(result));
        }
        return table;
    }
}
