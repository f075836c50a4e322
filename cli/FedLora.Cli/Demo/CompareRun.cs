using FedLora.Aggregation;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Demo;

/// <summary><c>fedlora demo --compare</c>: a real federation for every method, one after the other.</summary>
internal static class CompareRun
{
    internal static async Task RunAsync(DemoOptions options, CommandOutput output, CancellationToken cancellation)
    {
        var results = new List<MethodResult>();
        var all = Path.GetFullPath(options.Out);
        foreach (var method in Methods.All)
        {
            output.Remark($"{method.Name} ({results.Count + 1} of {Methods.All.Count}) ...");
            results.Add(await OneAsync(options with { Method = method.Name, Out = Path.Combine(all, method.Name) }, output, cancellation));
        }
        var picture = Path.Combine(all, "comparison.svg");
        await File.WriteAllTextAsync(picture, ComparePicture.Draw(results), cancellation);
        var report = new CompareReport(results, picture);
        await File.WriteAllTextAsync(Path.Combine(all, "comparison.json"), Json.Write(report), cancellation);
        output.Result(report, console =>
        {
            console.Write(Table(results));
            console.WriteLine($"The picture: {picture}");
        });
    }

    private static async Task<MethodResult> OneAsync(DemoOptions options, CommandOutput output, CancellationToken cancellation)
    {
        using var workplace = new DemoWorkplace(options.Out);
        var data = workplace.PrepareData(options, cancellation);
        FederatedResult? result = null;
        await output.Progress.Live(new Text("")).AutoClear(true).StartAsync(async live =>
            result = await new FederatedRun(options, workplace, data).RunAsync((view, processes) => live.UpdateTarget(DemoTables.Live(view, processes)), cancellation));
        var score = TogetherScore.Of(options, workplace, data, result!, cancellation);
        var rounds = result!.View.Rounds.Where(round => round.State == RoundState.Committed).ToList();
        var errors = rounds.Where(round => round.HasAggregationError).Select(round => round.AggregationError).ToList();
        return new MethodResult(options.Method, score.Accuracy, score.MacroF1,
            (long)(result.Nodes.Average(node => (double)(node.Traffic?.Sent ?? 0)) / rounds.Count),
            (long)(result.Nodes.Average(node => (double)(node.Traffic?.Received ?? 0)) / rounds.Count),
            rounds.Average(round => round.ServerMs),
            errors.Count > 0 ? errors.Average() : null);
    }

    private static Table Table(IEnumerable<MethodResult> results)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("same mail, same seed, same number of steps")
            .AddColumns("method", "accuracy", "macro-F1", "up per node and round", "down per node and round", "server ms", "aggregation error");
        foreach (var result in results)
        {
            table.AddRow(Markup.Escape(result.Method), Units.Percent(result.Accuracy), result.MacroF1.ToString("0.000"), Units.Bytes(result.BytesUpPerNode),
                Units.Bytes(result.BytesDownPerNode), result.ServerMs.ToString("0.0"), result.AggregationError?.ToString("0.0e+0") ?? "-");
        }
        return table;
    }
}
