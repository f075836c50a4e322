using System.CommandLine;
using System.Diagnostics;
using FedLora.Benchmarks.Training;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Training.Models;

namespace FedLora.Benchmarks.Inference;

/// <summary>A case of <c>fedlora bench evaluate</c> or <c>bench generate</c>.</summary>
/// <param name="Name">Of its row.</param>
/// <param name="Make">The model and what it is given.</param>
/// <param name="Dtype">f32 or bf16.</param>
internal sealed record InferenceCase(string Name, Func<TrainingCase> Make, string Dtype);

/// <summary>Both commands: sides in processes of their own take turns at the same work, and medians are compared.</summary>
internal static class InferenceRace
{
    private const string Script = "Inference/infer_peer.py";

    /// <summary>The command.</summary>
    /// <param name="name"><c>evaluate</c> or <c>generate</c>.</param>
    /// <param name="description">Its line of help.</param>
    /// <param name="cases">What is measured.</param>
    /// <param name="tokens">Tokens that a pass is counted as.</param>
    public static Command Command(string name, string description, IReadOnlyList<InferenceCase> cases, Func<TrainingJob, long> tokens)
    {
        var peer = new Option<bool>("--peer")
        {
            Description = "Compare with eager PyTorch (Debian's python3-torch), as shipped and at its best.",
        };
        var only = new Option<string?>("--case") { Description = $"Only this one: {string.Join(", ", cases.Select(one => one.Name))}." };
        var passes = new Option<int>("--passes") { Description = "Counted passes of each side.", DefaultValueFactory = _ => 5 };
        passes.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && Number.ParseWhole(token.Value) is < 1)
                result.AddError("--passes is at least 1.");
        });
        var worker = new Option<string?>("--worker") { Description = "Answer as one side of the comparison.", Hidden = true };
        var dtype = new Option<string>("--dtype") { Description = "Of the worker.", Hidden = true, DefaultValueFactory = _ => "f32" };
        return new Command(name, description) { peer, only, passes, worker, dtype }.Writes(typeof(BenchJson))
            .Runs(async (parsed, output, cancellationToken) =>
            {
                if (parsed.GetValue(worker) is { } folder)
                {
                    await Answer(name, folder, parsed.GetValue(dtype) == "bf16" ? ComputeType.BF16 : ComputeType.F32,
                        parsed.InvocationConfiguration.Output, cancellationToken);
                    return;
                }
                var chosen = cases.Where(one => parsed.GetValue(only) is not { } wanted || wanted == one.Name).ToList();
                if (chosen.Count == 0)
                    throw new FedLoraException("bench-nothing", "There was nothing to measure.",
                        $"Cases: {string.Join(", ", cases.Select(one => one.Name))}.");
                if (parsed.GetValue(peer))
                    await Contestants.RequirePeer(cancellationToken);
                var rows = new List<BenchRow>();
                foreach (var one in chosen)
                    rows.AddRange(await Race(name, one, tokens, parsed.GetValue(peer), parsed.GetValue(passes), output.Remark,
                        cancellationToken));
                BenchReport.Write(output, rows);
            });
    }

    private static async Task<List<BenchRow>> Race(string command, InferenceCase one, Func<TrainingJob, long> tokens, bool withPeer,
        int passes, Action<string> remark, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-").FullName;
        var sides = new List<Contestant>();
        try
        {
            remark($"{one.Name}: loading the model on every side ...");
            var made = one.Make();
            TrainingFolder.Write(made, folder);
            sides.Add(await Contestant.StartAsync("fedlora", Contestants.Ours(command, folder, one.Dtype), cancellationToken));
            if (withPeer)
            {
                sides.Add(await Contestant.StartAsync("PyTorch as shipped", Contestants.PeerAsShipped(folder, Script), cancellationToken));
                sides.Add(await Contestant.StartAsync($"PyTorch in {one.Dtype}",
                    Contestants.PeerAtItsBest(folder, one.Dtype == "bf16", Script), cancellationToken));
            }
            var work = tokens(made.Job);
            for (var pass = 0; pass <= passes; pass++)
            {
                foreach (var side in sides)
                    await side.RunAsync(pass + 1, counts: pass > 0, cancellationToken);
                remark(pass == 0 ? $"{one.Name}: warm"
                    : $"{one.Name}: pass {pass}: " + string.Join("; ", sides.Select(side =>
                        $"{side.Name} {work / side.Seconds:0.#} tokens/s, "
                            + $"{side.Cpu / work * 1e3:0.###} ms of processor time a token{Told(side, sides[0])}")));
            }
            return [.. Rows(one.Name, work, sides)];
        }
        finally
        {
            foreach (var side in sides)
                await side.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Told(Contestant side, Contestant ours) => side.LastTokens.Length == 0 ? $", loss {side.LastLoss:0.0000}"
        : side == ours ? ""
        : $", {side.LastTokens.Zip(ours.LastTokens).TakeWhile(pair => pair.First == pair.Second).Count()} tokens the same";

    private static IEnumerable<BenchRow> Rows(string name, long tokens, List<Contestant> sides)
    {
        var ours = sides[0];
        if (sides.Count == 1)
            yield return new BenchRow(name, tokens / ours.Seconds, "tokens/s");
        foreach (var (side, suffix) in sides.Skip(1).Zip(["", "-best"]))
        {
            yield return new BenchRow(name + suffix, tokens / ours.Seconds, "tokens/s",
                $"{side.Name}, {tokens / side.Seconds:0.#} tokens/s", ours.RatioOf(side));
            // What a busy machine does not change as much as the clock.
            yield return new BenchRow($"{name}-cpu{suffix}", ours.Cpu / tokens * 1e3, "ms of processor time a token",
                $"{side.Name}, {side.Cpu / tokens * 1e3:0.###} ms", side.Cpu / ours.Cpu);
        }
        yield return new BenchRow($"{name}-memory", ours.PeakMib, "MiB",
            sides.Count == 1 ? null : $"{sides[^1].Name}, {sides[^1].PeakMib:0} MiB",
            sides.Count == 1 ? null : sides[^1].PeakMib / ours.PeakMib);
    }

    /// <summary>Our side: answers each line with one pass.</summary>
    private static async Task Answer(string command, string folder, ComputeType compute, TextWriter answers,
        CancellationToken cancellationToken)
    {
        using var subject = new InferenceSubject(folder, compute);
        await TrainingWorker.Answer(answers, new { ready = true });
        while (await Console.In.ReadLineAsync(cancellationToken) is not null)
        {
            var (start, before) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            var tokens = command == "generate" ? subject.Generate(cancellationToken) : null;
            var loss = tokens is null ? subject.Evaluate(cancellationToken) : 0;
            await TrainingWorker.Answer(answers, new
            {
                seconds = Stopwatch.GetElapsedTime(start).TotalSeconds,
                cpu = (Environment.CpuUsage.TotalTime - before).TotalSeconds,
                loss,
                peak_mib = TrainingWorker.PeakMebibytes(),
                tokens,
            });
        }
    }
}
