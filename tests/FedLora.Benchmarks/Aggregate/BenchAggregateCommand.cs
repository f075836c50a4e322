using System.CommandLine;
using System.Diagnostics;
using FedLora.Aggregation;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>
/// <c>fedlora bench aggregate</c>: the server's step of every method on RoBERTa-large (query and value) and Llama-7B (all seven linears),
/// FedSVD beside the full SVD, costs over nodes and ranks, memory while 500 updates stream; and what grows with nodes and rounds, beside
/// another build in the same run.
/// </summary>
internal static class BenchAggregateCommand
{
    private const int Nodes = 6;
    private static readonly string[] Stacking = ["lora-fair", "flexlora", "fedex-lora"];

    public static Command Create()
    {
        var quick = new Option<bool>("--quick")
        {
            Description = "Only RoBERTa-large at rank 8 with six nodes, FedSVD beside the full SVD.",
        };
        var only = new Option<string>("--only")
        {
            Description = "Only this method on RoBERTa-large at rank 8 with six nodes (fedsvd: beside the full SVD).",
            HelpName = "METHOD",
        };
        var beside = new Option<string?>("--beside")
        {
            Description = "Only the costs (see --case), each beside another build's: the folder with its fedlora.dll.",
            HelpName = "FOLDER",
        };
        var cases = new Option<string[]>("--case")
        {
            Description = $"Only these costs: {string.Join(", ", CostCases.Names)}.",
            HelpName = "NAME",
        };
        var worker = new Option<string?>("--worker") { Description = "Answer as one side of a cost.", Hidden = true };
        return new Command("aggregate", "The server's step of every method, FedSVD beside the full SVD, costs beside another build's.")
        {
            quick,
            only,
            beside,
            cases,
            worker,
        }.Writes(typeof(BenchJson)).Runs(async (parsed, output, cancellationToken) =>
        {
            var other = parsed.GetValue(beside);
            if (other is not null && !File.Exists(Path.Combine(other, "FedLora.Aggregation.dll")))
                throw new FedLoraException("bench-peer-missing", $"There is no FedLora.Aggregation.dll in {other}.",
                    "Name the folder of a build's fedlora.dll.");
            if (parsed.GetValue(worker) is { } name)
            {
                await CostWorker.RunAsync(name, other, Console.In, parsed.InvocationConfiguration.Output, cancellationToken);
                return;
            }
            var wanted = parsed.GetValue(cases) ?? [];
            if (wanted.FirstOrDefault(one => !CostCases.Names.Contains(one)) is { } unknown)
                throw new FedLoraException("bench-nothing", $"There is no case '{unknown}'.",
                    $"Cases: {string.Join(", ", CostCases.Names)}.");
            if (other is not null || wanted.Length > 0)
                BenchReport.Write(output,
                    await CostsAsync(wanted.Length > 0 ? wanted : CostCases.Names, other, output.Remark, cancellationToken));
            else
                await StepsAsync(parsed.GetValue(only), parsed.GetValue(quick), output, cancellationToken);
        });
    }

    private static async Task<List<BenchRow>> CostsAsync(IEnumerable<string> names, string? beside, Action<string> remark,
        CancellationToken cancellationToken)
    {
        var rows = new List<BenchRow>();
        foreach (var name in names)
            rows.AddRange(await CostRace.RunAsync(name, beside, remark, cancellationToken));
        return rows;
    }

    private static async Task StepsAsync(string? only, bool quick, CommandOutput output, CancellationToken cancellationToken)
    {
        var rows = new List<BenchRow>();
        if (only is not null)
        {
            rows.Add(
                only == "fedsvd" ? FedSvd(cancellationToken)
                    : Step($"{only}-roberta-large", new Workload(only, Workload.RobertaLarge(8), Nodes), cancellationToken));
            BenchReport.Write(output, rows);
            return;
        }
        output.Remark("FedSVD and the full SVD of the products, RoBERTa-large ...");
        rows.Add(FedSvd(cancellationToken));
        foreach (var method in Methods.All.Where(m => !m.Traits.StartsFromWeights && m.Name != "fedsvd"))
            rows.Add(Step($"{method.Name}-roberta-large", new Workload(method.Name, Workload.RobertaLarge(8), Nodes), cancellationToken));
        if (!quick)
        {
            rows.AddRange(Rest(output.Remark, cancellationToken));
            rows.AddRange(await CostsAsync(CostCases.Growing, null, output.Remark, cancellationToken));
        }
        BenchReport.Write(output, rows);
    }

    private static BenchRow FedSvd(CancellationToken cancellationToken)
    {
        var work = new Workload("fedsvd", Workload.RobertaLarge(8), Nodes);
        var ours = Median(work, cancellationToken);
        var full = FullSvd.Measure(work.Global, work.Run(cancellationToken).Global, work.Layout, cancellationToken);
        return new BenchRow("fedsvd-roberta-large", ours * 1e3, "ms", $"full SVD of the 48 products by libtorch, {full:0.00} s",
            full / ours);
    }

    private static IEnumerable<BenchRow> Rest(Action<string> remark, CancellationToken cancellationToken)
    {
        foreach (var method in Stacking)
        {
            remark($"{method} over nodes and ranks ...");
            foreach (var (nodes, rank) in ((int, int)[])[(3, 8), (6, 4), (6, 8), (6, 16), (6, 32), (12, 8)])
                yield return Step($"{method}-k{nodes}-r{rank}", new Workload(method, Workload.RobertaLarge(rank), nodes),
                    cancellationToken);
        }
        remark("ffa-lora, Llama-7B at rank 16 ...");
        yield return Step("ffa-lora-llama-7b", new Workload("ffa-lora", Workload.Llama7B(16), Nodes, different: 2), cancellationToken);
        remark("Fed-SB's start from weights of 4096 x 4096 at rank 64 ...");
        yield return new BenchRow("fed-sb-start-4096-r64", BasisStart.Measure(4096, 64), "s");
        foreach (var method in (string[])["fedit", "ffa-lora", "fedsvd", "rolora", "fedsa-lora", "hetlora"])
        {
            remark($"{method}, 500 updates from disk ...");
            var (growth, seconds) = Resident.Growth(method, Workload.RobertaLarge(8), 500);
            yield return new BenchRow($"{method}-500-updates-resident-growth", growth, "MiB");
            yield return new BenchRow($"{method}-500-updates", seconds, "s");
        }
    }

    private static BenchRow Step(string name, Workload work, CancellationToken cancellationToken) =>
        new(name, Median(work, cancellationToken) * 1e3, "ms");

    // The median of up to 21 runs within three seconds, after one that warms up.
    private static double Median(Workload work, CancellationToken cancellationToken)
    {
        work.Run(cancellationToken);
        var (seconds, begun) = (new List<double>(), Stopwatch.GetTimestamp());
        while (seconds.Count == 0 || (seconds.Count < 21 && Stopwatch.GetElapsedTime(begun).TotalSeconds < 3))
        {
            var start = Stopwatch.GetTimestamp();
            work.Run(cancellationToken);
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        seconds.Sort();
        return seconds[seconds.Count / 2];
    }
}
