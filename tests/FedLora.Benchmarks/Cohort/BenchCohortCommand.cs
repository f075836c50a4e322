using System.CommandLine;
using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Benchmarks.Training;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Federations.Definitions;
using FedLora.Training.Data;
using FedLora.Training.Libtorch;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Benchmarks.Cohort;

/// <summary>
/// <c>fedlora bench cohort</c>: sixteen nodes of MiniLM's shape through the base model together, beside the same one after another. Every
/// text has as many tokens as <c>--tokens</c> says; a node's step has 1, 4, 16 or 64 of them. The two sides take turns.
/// </summary>
internal static class BenchCohortCommand
{
    private const int Nodes = 16;

    public static Command Create()
    {
        var tokens = new Option<int>("--tokens") { Description = "Tokens of every text.", DefaultValueFactory = _ => 32 };
        var passes = new Option<int>("--passes") { Description = "Counted turns of each side.", DefaultValueFactory = _ => 3 };
        var threads = new Option<int>("--threads")
        {
            Description = "Processor threads; a run of a simulation takes one.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        var batches = new Option<int[]>("--batch")
        {
            Description = "Texts of a node's step, once for each row.",
            DefaultValueFactory = _ => [1, 4, 16, 64],
        };
        return new Command("cohort", "Several nodes' local steps through the base model at once, beside one after another.")
        {
            tokens,
            passes,
            threads,
            batches,
        }.Writes(typeof(BenchJson)).Runs((parsed, output, cancellationToken) =>
        {
            LibtorchLoader.UseThreads(Math.Clamp(parsed.GetValue(threads), 1, 1024));
            var folder = Directory.CreateTempSubdirectory("fedlora-bench-").FullName;
            try
            {
                TrainingFolder.Write(TrainingCase.MiniLm(), folder);
                var rows = new List<BenchRow>();
                ComputeType[] types = ComputeChoice.ForThisMachine() == ComputeType.BF16 ? [ComputeType.F32, ComputeType.BF16]
                    : [ComputeType.F32];
                foreach (var type in types)
                {
                    using var model = BaseModel.Load(folder, new LoadOptions { Compute = type });
                    foreach (var batch in parsed.GetValue(batches)!.Where(batch => batch > 0))
                    {
                        rows.Add(
                            Race(model, type, batch, Math.Clamp(parsed.GetValue(tokens), 1, 512), Math.Max(1, parsed.GetValue(passes)),
                                cancellationToken));
                        output.Remark($"{rows[^1].Name}: {rows[^1].Value:0} tokens/s together, {rows[^1].Peer}");
                    }
                }
                BenchReport.Write(output, rows);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
            return Task.CompletedTask;
        });
    }

    private static BenchRow Race(BaseModel model, ComputeType type, int batch, int tokens, int passes, CancellationToken cancellationToken)
    {
        var steps = Math.Clamp(16_384 / (Nodes * batch * tokens), 1, 16);
        CohortNode[] nodes = [.. Enumerable.Range(0, Nodes).Select(node => Node(model, node, batch, tokens, steps))];
        double together = 0, alone = 0;
        for (var pass = 0; pass <= passes; pass++)
        {
            var first = Seconds(() => CohortTraining.Run(model, nodes, cancellationToken: cancellationToken));
            var second = Seconds(
                () => Array.ForEach(nodes,
                    node => LocalTraining.Run(model, node.Task, node.Examples, cancellationToken: cancellationToken)));
            // The first turn of each side makes things ready.
            if (pass > 0)
                (together, alone) = (together + first, alone + second);
        }
        var rows = (double)passes * Nodes * steps * batch * tokens;
        return new BenchRow($"cohort-minilm-{type.ToString().ToLowerInvariant()}-batch-{batch}", rows / together, "tokens/s",
            $"one after another, {rows / alone:0} tokens/s", alone / together);
    }

    private static CohortNode Node(BaseModel model, int node, int batch, int tokens, int steps)
    {
        var layout = model.LayoutFor(
            new PeftConfig { Rank = 8, Alpha = 16, TargetModules = PeftModules.Of(["query", "value"]), ModulesToSave = ["classifier"] });
        var random = new Random(node);
        Example[] examples = [.. Enumerable.Range(0, 2 * batch)
            .Select(i => new Example([.. Enumerable.Range(0, tokens).Select(_ => random.Next(1, 30_000))]) { Class = i % 2 })];
        var training = new TrainingSpec { LocalSteps = steps, BatchSize = batch, LearningRate = 1e-4, WeightDecay = 0 };
        return new CohortNode(
            new LocalTask(new NodeStart(Methods.Get("fedit").Initialize(layout, new MethodOptions(), 1), layout),
                Factors.A | Factors.B | Factors.Head, training)
            { Seed = (ulong)node }, examples);
    }

    private static double Seconds(Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
