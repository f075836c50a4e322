using System.CommandLine;
using System.Diagnostics;
using FedLora.Aggregation;
using FedLora.Cli.Commands;

namespace FedLora.Cli.Bench.Aggregate;

/// <summary>
/// <c>fedlora bench aggregate</c>: the server's step of every method on RoBERTa-large (query and value) and Llama-7B (all seven linears),
/// FedSVD beside the full SVD, costs over nodes and ranks, and memory while 500 updates stream.
/// </summary>
internal static class BenchAggregateCommand
{
    private const int Nodes = 6;
    private static readonly string[] _stacking = ["lora-fair", "flexlora", "fedex-lora"];

    public static Command Create()
    {
        var quick = new Option<bool>("--quick") { Description = "Only RoBERTa-large at rank 8 with six nodes, FedSVD beside the full SVD." };
        return new Command("aggregate", "The server's step of every method, FedSVD beside the full SVD, memory while updates stream.") { quick }.Runs((parsed, output, cancellation) =>
        {
            var rows = new List<BenchRow>();
            output.Remark("FedSVD and the full SVD of the products, RoBERTa-large ...");
            rows.Add(FedSvd(cancellation));
            foreach (var method in Methods.All.Where(m => !m.Traits.StartsFromWeights && m.Name != "fedsvd"))
                rows.Add(Step($"{method.Name}-roberta-large", new Workload(method.Name, Workload.RobertaLarge(8), Nodes), cancellation));
            if (!parsed.GetValue(quick))
                rows.AddRange(Rest(output.Remark, cancellation));
            BenchReport.Write(output, rows);
            return Task.CompletedTask;
        });
    }

    private static BenchRow FedSvd(CancellationToken cancellation)
    {
        var work = new Workload("fedsvd", Workload.RobertaLarge(8), Nodes);
        var ours = Best(work, cancellation);
        var full = FullSvd.Measure(work.Global, work.Run(cancellation).Global, work.Layout, cancellation);
        return new BenchRow("fedsvd-roberta-large", ours * 1e3, "ms", $"full SVD of the 48 products by libtorch, {full:0.00} s", full / ours);
    }

    private static IEnumerable<BenchRow> Rest(Action<string> remark, CancellationToken cancellation)
    {
        foreach (var method in _stacking)
        {
            remark($"{method} over nodes and ranks ...");
            foreach (var (nodes, rank) in ((int, int)[])[(3, 8), (6, 4), (6, 8), (6, 16), (6, 32), (12, 8)])
                yield return Step($"{method}-k{nodes}-r{rank}", new Workload(method, Workload.RobertaLarge(rank), nodes), cancellation);
        }
        foreach (var method in (string[])["fedsvd", "fedit", "ffa-lora"])
        {
            remark($"{method}, Llama-7B at rank 16 ...");
            yield return Step($"{method}-llama-7b", new Workload(method, Workload.Llama7B(16), Nodes, different: 2), cancellation);
        }
        remark("Fed-SB's start from weights of 4096 x 4096 at rank 64 ...");
        yield return new BenchRow("fed-sb-start-4096-r64", BasisStart.Measure(4096, 64), "s");
        foreach (var method in (string[])["fedit", "ffa-lora", "fedsvd", "rolora", "fedsa-lora", "hetlora"])
        {
            remark($"{method}, 500 updates from disk ...");
            var (growth, seconds) = Resident.Growth(method, Workload.RobertaLarge(8), 500, cancellation);
            yield return new BenchRow($"{method}-500-updates-resident-growth", growth, "MiB");
            yield return new BenchRow($"{method}-500-updates", seconds, "s");
        }
    }

    private static BenchRow Step(string name, Workload work, CancellationToken cancellation) => new(name, Best(work, cancellation) * 1e3, "ms");

    // The shortest of up to twenty runs within three seconds: what others do on the machine only adds.
    private static double Best(Workload work, CancellationToken cancellation)
    {
        work.Run(cancellation);
        var (best, begun) = (double.MaxValue, Stopwatch.GetTimestamp());
        for (var i = 0; i < 20 && (i == 0 || Stopwatch.GetElapsedTime(begun).TotalSeconds < 3); i++)
        {
            var start = Stopwatch.GetTimestamp();
            work.Run(cancellation);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }
}
