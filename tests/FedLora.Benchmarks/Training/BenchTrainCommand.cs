using System.CommandLine;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Training.Models;

namespace FedLora.Benchmarks.Training;

/// <summary>
/// <c>fedlora bench train</c>: tokens a second and peak memory of LoRA training, beside eager PyTorch in the same run: every side trains
/// the same passes in turns, and medians are compared.
/// </summary>
internal static class BenchTrainCommand
{
    public static Command Create()
    {
        var peer = new Option<bool>("--peer")
        {
            Description = "Compare with eager PyTorch (Debian's python3-torch), as shipped and at its best.",
        };
        var only = new Option<string?>("--case") { Description = "Only this one: smollm2-f32, smollm2-bf16, minilm-f32 or minilm-bf16." };
        var passes = new Option<int>("--passes") { Description = "Counted passes of each side.", DefaultValueFactory = _ => 3 };
        passes.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && Number.ParseWhole(token.Value) is < 1)
                result.AddError("--passes is at least 1.");
        });
        var curves = new Option<FileInfo?>("--curves")
        {
            Description = "Instead: 200 steps in float32 and in bfloat16, their losses as an SVG picture.",
        };
        var worker = new Option<string?>("--worker") { Description = "Answer as one side of the comparison.", Hidden = true };
        var isPrivate = new Option<bool>("--private") { Description = "Of the worker.", Hidden = true };
        var dtype = new Option<string>("--dtype") { Description = "Of the worker.", Hidden = true, DefaultValueFactory = _ => "f32" };
        return new Command("train", "Speed and memory of LoRA training, beside eager PyTorch.")
        {
            peer,
            only,
            passes,
            curves,
            worker,
            dtype,
            isPrivate,
        }
            .Writes(typeof(BenchJson)).Runs(async (parsed, output, cancellationToken) =>
            {
                if (parsed.GetValue(worker) is { } folder)
                {
                    var compute = parsed.GetValue(dtype) == "bf16" ? ComputeType.BF16 : ComputeType.F32;
                    await TrainingWorker.RunAsync(folder, compute, parsed.GetValue(isPrivate), Console.In,
                        parsed.InvocationConfiguration.Output, cancellationToken);
                    return;
                }

                if (parsed.GetValue(curves) is { } picture)
                {
                    BenchReport.Write(output, LossCurves.Run(picture.FullName, output.Remark, cancellationToken));
                    return;
                }

                if (parsed.GetValue(peer))
                    await Contestants.RequirePeer(cancellationToken);
                var ratio = ComputeChoice.Ratio();
                output.Remark($"bfloat16 products run at {ratio:0.00}x float32 here; it is used from {ComputeChoice.Threshold}x on");
                var narrow = ratio >= ComputeChoice.Threshold;
                var runs = new[]
                {
                    ("smollm2-f32", TrainingCase.SmolLm2(), "f32"),
                    ("smollm2-bf16", TrainingCase.SmolLm2(), "bf16"),
                    ("minilm-f32", TrainingCase.MiniLm(), "f32"),
                    ("minilm-bf16", TrainingCase.MiniLm(), "bf16"),
                };
                var rows = new List<BenchRow>();
                foreach (var (name, training, type) in runs.Where(run => parsed.GetValue(only) is not { } wanted || wanted == run.Item1))
                {
                    if (type == "bf16" && !narrow)
                        output.Remark($"{name} is left out: this machine is not fast at it");
                    else
                        rows.AddRange(
                            await Race(name, training, type, parsed.GetValue(peer), narrow, parsed.GetValue(passes), output.Remark,
                                cancellationToken));
                }

                if (rows.Count == 0)
                    throw new FedLoraException("bench-nothing", "There was nothing to measure.",
                        "Cases: smollm2-f32, minilm-f32; and smollm2-bf16, minilm-bf16 where bfloat16 is fast.");
                BenchReport.Write(output, rows);
            });
    }

    private static async Task<List<BenchRow>> Race(
        string name, TrainingCase training, string dtype, bool withPeer, bool narrow, int passes, Action<string> remark,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-").FullName;
        var sides = new List<Contestant>();
        try
        {
            remark($"{name}: loading the model on every side ...");
            TrainingFolder.Write(training, folder);
            sides.Add(await Contestant.StartAsync("fedlora", Contestants.Ours(folder, dtype), cancellationToken));
            if (withPeer)
            {
                sides.Add(await Contestant.StartAsync("PyTorch as shipped", Contestants.PeerAsShipped(folder), cancellationToken));
                sides.Add(await Contestant.StartAsync("PyTorch at its best", Contestants.PeerAtItsBest(folder, narrow), cancellationToken));
            }

            for (var pass = 0; pass <= passes; pass++)
            {
                foreach (var side in sides)
                    await side.RunAsync(pass + 1, counts: pass > 0, cancellationToken);
                remark(
                    pass == 0 ? $"{name}: warm"
                        : $"{name}: pass {pass}: " + string.Join("; ",
                            sides.Select(
                                side => $"{side.Name} {training.Job.Tokens / side.Seconds:0} tokens/s, loss {side.LastLoss:0.000}")));
            }

            return [.. Rows(name, training.Job.Tokens, sides)];
        }
        finally
        {
            foreach (var side in sides)
                await side.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<BenchRow> Rows(string name, long tokens, List<Contestant> sides)
    {
        var ours = sides[0];
        if (sides.Count == 1)
        {
            yield return new BenchRow(name, tokens / ours.Seconds, "tokens/s");
            yield return new BenchRow($"{name}-memory", ours.PeakMib, "MiB");
        }

        foreach (var (side, suffix) in sides.Skip(1).Zip(["", "-best"]))
        {
            yield return new BenchRow(name + suffix, tokens / ours.Seconds, "tokens/s", $"{side.Name}, {tokens / side.Seconds:0} tokens/s",
                ours.RatioOf(side));
            yield return new BenchRow($"{name}-memory{suffix}", ours.PeakMib, "MiB", $"{side.Name}, {side.PeakMib:0} MiB",
                side.PeakMib / ours.PeakMib);
        }
    }
}
