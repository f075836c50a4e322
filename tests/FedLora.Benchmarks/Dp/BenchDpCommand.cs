using System.CommandLine;
using FedLora.Benchmarks.Training;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Training.Models;

namespace FedLora.Benchmarks.Dp;

/// <summary>
/// <c>fedlora bench dp</c>: what a DP-SGD step (per-example norms, clipping, noise) costs over our own step without privacy, in time and
/// memory. Both sides train the same batches in turns, each in a process of its own; the ratio is the median over passes, whose two sides
/// meet the same load. In float32, and in bfloat16 where that is faster.
/// </summary>
internal static class BenchDpCommand
{
    public static Command Create()
    {
        var only = new Option<string?>("--case") { Description = "Only these: minilm or smollm2." };
        var passes = new Option<int>("--passes") { Description = "Counted passes of each side.", DefaultValueFactory = _ => 5 };
        return new Command("dp", "What differential privacy costs: a DP-SGD step beside our own step without privacy.") { only, passes }
            .Writes(typeof(BenchJson)).Runs(async (parsed, output, cancellationToken) =>
            {
                var rows = new List<BenchRow>();
                string[] types = ComputeChoice.ForThisMachine() == ComputeType.BF16 ? ["f32", "bf16"] : ["f32"];
                foreach (var (name, training) in new[]
                {
                    ("minilm", TrainingCase.MiniLmEven()),
                    ("smollm2", TrainingCase.SmolLm2()),
                }.Where(one => parsed.GetValue(only) is not { } wanted || wanted == one.Item1))
                {
                    foreach (var type in types)
                        rows.AddRange(
                            await RaceAsync($"{name}-{type}", training, type, Math.Max(1, parsed.GetValue(passes)), output.Remark,
                                cancellationToken));
                }
                if (rows.Count == 0)
                    throw new FedLoraException("bench-nothing", "There was nothing to measure.", "Cases: minilm, smollm2.");
                BenchReport.Write(output, rows);
            });
    }

    private static async Task<BenchRow[]> RaceAsync(string name, TrainingCase training, string type, int passes, Action<string> remark,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-").FullName;
        var sides = new List<Contestant>();
        try
        {
            TrainingFolder.Write(training, folder);
            sides.Add(await Contestant.StartAsync("with privacy", Contestants.Ours(folder, type, isPrivate: true), cancellationToken));
            sides.Add(await Contestant.StartAsync("without", Contestants.Ours(folder, type), cancellationToken));
            for (var pass = 0; pass <= passes; pass++)
            {
                // Who goes first changes, since the first meets the caches of the other.
                foreach (var side in pass % 2 == 0 ? sides : sides.AsEnumerable().Reverse())
                    await side.RunAsync(pass + 1, counts: pass > 0, cancellationToken);
                remark(
                    pass == 0 ? $"{name}: warm"
                        : $"{name}: pass {pass}: {string.Join("; ", sides.Select(side =>
                            $"{side.Name} {PerStep(training, side):0} ms a step"))}");
            }
            var (ours, plain) = (sides[0], sides[1]);
            return
            [
                new BenchRow($"dp-{name}", PerStep(training, ours), "ms/step", $"without privacy, {PerStep(training, plain):0.0} ms",
                    ours.RatioOf(plain)),
                new BenchRow($"dp-{name}-memory", ours.PeakMib, "MiB", $"without privacy, {plain.PeakMib:0} MiB",
                    plain.PeakMib / ours.PeakMib),
            ];
        }
        finally
        {
            foreach (var side in sides)
                await side.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double PerStep(TrainingCase training, Contestant side) =>
        1000 * side.Seconds / Math.Ceiling(training.Job.Sequences.Length / (double)training.Job.Batch);
}
