using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>
/// What grows with the nodes and the rounds: opening updates, sums whose factors are wider than the matrix, folds of many rounds.
/// </summary>
internal static class ManyNodes
{
    public static IEnumerable<BenchRow> Measure(CancellationToken cancellationToken)
    {
        yield return new BenchRow("open-1000-updates-x-224-modules", Opening(1000, 224, cancellationToken), "s");
        foreach (var method in (string[])["flexlora", "fedit"])
            yield return new BenchRow($"{method}-k1000-48-modules-512",
                Seconds(new Workload(method, Workload.Squares(48, 512), 1000, different: 50), cancellationToken), "s");
        foreach (var method in (string[])["flora", "fedex-lora"])
        {
            var work = new Workload(method, Workload.Squares(1, 1024), 200);
            _ = Seconds(work, cancellationToken);
            yield return new BenchRow($"{method}-k200-1024", Seconds(work, cancellationToken), "s");
        }
        foreach (var (name, value, unit) in Folds(cancellationToken))
            yield return new BenchRow(name, value, unit);
    }

    private static double Seconds(Workload work, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        work.Run(cancellationToken);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // A method that reads one module of all nodes, of modules so small that opening is what counts.
    private static double Opening(int nodes, int modules, CancellationToken cancellationToken)
    {
        var layout = Workload.Squares(modules, 16);
        var method = Methods.Get("lora-fair");
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-");
        try
        {
            var path = Path.Combine(folder.FullName, "update.safetensors");
            new AdapterState(layout.Tensors(method.Sent(1, MethodOptions.Default)).Select(t => Workload.Random(t, 1))).Save(path);
            var updates = new UpdateSet(
                Enumerable.Range(0, nodes).Select(k => new StreamUpdate($"node-{k:D4}", 1, () => File.OpenRead(path))));
            var global = method.Initialize(layout, MethodOptions.Default, 1);
            var start = Stopwatch.GetTimestamp();
            method.Aggregate(global, updates, new AggregationOptions(layout, MethodOptions.Default, 1, 1) { MeasureError = false },
                cancellationToken);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // What a node fetches and the server adds up at round 50 and at round 1,000: six nodes of rank 8 under flora, one module of 1024 x
    // 1024.
    private static IEnumerable<(string Name, double Value, string Unit)> Folds(CancellationToken cancellationToken)
    {
        var layout = Workload.Squares(1, 1024);
        AdapterState Fold(int seed) =>
            new((layout with { Rank = 48 }).Tensors(Factors.A | Factors.B).Select(t => Workload.Random(t, seed)));
        var (sum, some) = (Fold(0), Enumerable.Range(1, 8).Select(Fold).ToArray());
        for (var round = 2; round <= 1000; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            sum = FoldSum.Of([sum, some[round % some.Length]], layout);
            if (round is not (50 or 1000))
                continue;
            yield return ($"fold-sum-round-{round}", Stopwatch.GetElapsedTime(start).TotalMilliseconds, "ms");
            yield return ($"fold-bytes-round-{round}", sum.ParameterCount * 4 / 1048576.0, "MiB");
        }
    }
}
