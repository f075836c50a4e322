using FedLora.Cli.Output;
using FedLora.Cli.Plots;
using Spectre.Console;

namespace FedLora.Cli.Demo;

/// <summary><c>fedlora demo --densities</c>: accuracy against bytes over densities down and up.</summary>
internal static class DensityRun
{
    // Dense, then each direction alone, then both.
    private static readonly (int Down, int Up)[] Inverse = [(1, 1), .. Sparse.Select(d => (d, 1)), .. Sparse.Select(d => (1, d)),
        .. Sparse.Select(d => (d, d))];

    private static int[] Sparse => [4, 16, 64];

    /// <summary>The methods of the table.</summary>
    internal static IReadOnlyList<string> Methods { get; } = ["ffa-lora", "fedit", "fed-sb", "fedsvd"];

    internal static async Task RunAsync(DemoOptions options, IReadOnlyList<string> methods, CommandOutput output,
        CancellationToken cancellationToken)
    {
        var results = new List<DensityResult>();
        var all = Path.GetFullPath(options.Out);
        var report = new DensityReport(results, Path.Combine(all, "densities.svg"));
        await using var run = await MethodRun.StartAsync(options, output, cancellationToken);
        foreach (var method in methods)
        {
            var dense = 0.0;
            foreach (var (down, up) in Inverse)
            {
                output.Remark($"{method} at 1/{down} down, 1/{up} up ({results.Count + 1} of {methods.Count * Inverse.Length}) ...");
                var one = await run.NextAsync(
                    options with
                    {
                        Method = method,
                        DensityDown = 1.0 / down,
                        DensityUp = 1.0 / up,
                        Federation = $"{method}-down-{down}-up-{up}",
                    }, cancellationToken);
                var bytes = (double)(one.BytesUpPerNode + one.BytesDownPerNode);
                dense = dense > 0 ? dense : bytes;
                results.Add(
                    new DensityResult(method, 1.0 / down, 1.0 / up, one.Accuracy, one.MacroF1, one.BytesUpPerNode, one.BytesDownPerNode,
                        dense / bytes));
                // After each, so that an interrupted run leaves what it has seen.
                AtomicFile.Write(report.Picture, SvgChart.Draw(Picture(results, options)));
                AtomicFile.Write(Path.Combine(all, "densities.json"), Json.Write(report));
            }
        }
        output.Result(report, console =>
        {
            console.Write(Table(results));
            console.WriteLine($"The picture: {report.Picture}");
        });
    }

    private static ScatterChart Picture(IReadOnlyList<DensityResult> results, DemoOptions options) => new(
        $"Sparse communication: densities 1 to 1/64 down and up ({options.Rounds} rounds x {options.Steps} steps, {options.Nodes} sites)",
        "bytes per node and round, up and down, on the socket",
        "accuracy on held-out mail, %",
        [.. results.GroupBy(result => result.Method).Select(method =>
            new ScatterSeries(method.Key,
                [.. method.Select(result => ((double)(result.BytesUpPerNode + result.BytesDownPerNode), result.Accuracy * 100))]))],
        Units.Bytes);

    private static Table Table(IEnumerable<DensityResult> results)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("same mail, same seed, same number of steps")
            .AddColumns("method", "density down", "density up", "accuracy", "macro-F1", "up per node and round", "down per node and round",
                "fewer bytes");
        foreach (var result in results)
        {
            table.AddRow(Markup.Escape(result.Method), Share(result.DensityDown), Share(result.DensityUp), Units.Percent(result.Accuracy),
                result.MacroF1.ToString("0.000"),
                Units.Bytes(result.BytesUpPerNode), Units.Bytes(result.BytesDownPerNode), $"{result.FewerBytes:0.0}x");
        }
        return table;
    }

    private static string Share(double density) => density >= 1 ? "1" : $"1/{1 / density:0}";
}
