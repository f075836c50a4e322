using System.CommandLine;
using FedLora.Adapters;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Federations.Definitions;
using FedLora.Training.Memory;
using FedLora.Training.Models;

namespace FedLora.Benchmarks.Training;

/// <summary>
/// <c>fedlora bench memory</c>: the peak that training really has beside what a node estimates before it trains, by which a site's policy
/// refuses (<see cref="MemoryEstimate"/>). Each case in a process of its own.
/// </summary>
internal static class BenchMemoryCommand
{
    private static readonly (string Name, Func<TrainingCase> Make, string Type, bool IsPrivate)[] Cases =
    [
        ("minilm-f32", TrainingCase.MiniLm, "f32", false),
        ("minilm-bf16", TrainingCase.MiniLm, "bf16", false),
        ("minilm-private-f32", TrainingCase.MiniLm, "f32", true),
        ("minilm-private-bf16", TrainingCase.MiniLm, "bf16", true),
        ("minilm-even-f32", TrainingCase.MiniLmEven, "f32", false),
        ("smollm2-small-f32", TrainingCase.Curves, "f32", false),
        ("smollm2-f32", TrainingCase.SmolLm2, "f32", false),
        ("smollm2-bf16", TrainingCase.SmolLm2, "bf16", false),
        ("smollm2-private-f32", TrainingCase.SmolLm2, "f32", true),
        ("smollm2-long-f32", TrainingCase.SmolLm2Long, "f32", false),
        ("smollm2-long-bf16", TrainingCase.SmolLm2Long, "bf16", false),
    ];

    public static Command Create()
    {
        var only = new Option<string[]>("--case")
        {
            Description = $"Only these: {string.Join(", ", Cases.Select(one => one.Name))}.",
            AllowMultipleArgumentsPerToken = true,
        };
        only.AcceptOnlyFromAmong([.. Cases.Select(one => one.Name)]);
        return new Command("memory", "The memory that training takes beside what a node estimates before it.") { only }
            .Writes(typeof(BenchJson)).Runs(async (parsed, output, cancellationToken) =>
            {
                var wanted = parsed.GetValue(only);
                var rows = new List<BenchRow>();
                foreach (var (name, make, type, isPrivate) in
                    Cases.Where(one => wanted is not { Length: > 0 } || wanted.Contains(one.Name)))
                {
                    output.Remark($"{name} ...");
                    rows.Add(await RunAsync($"memory-{name}", make(), type, isPrivate, cancellationToken));
                }
                BenchReport.Write(output, rows);
            });
    }

    private static async Task<BenchRow> RunAsync(string name, TrainingCase training, string type, bool isPrivate,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-").FullName;
        try
        {
            TrainingFolder.Write(training, folder);
            var estimate = Estimate(training.Job, folder, type == "bf16" ? ComputeType.BF16 : ComputeType.F32, isPrivate);
            await using var side = await Contestant.StartAsync("fedlora", Contestants.Ours(folder, type, isPrivate), cancellationToken);
            await side.RunAsync(1, counts: true, cancellationToken);
            return new BenchRow(name, side.PeakMib, "MiB", $"estimate, {estimate.Total >> 20} MiB: {estimate}",
                (estimate.Total >> 20) / side.PeakMib);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static MemoryEstimate Estimate(TrainingJob job, string folder, ComputeType compute, bool isPrivate)
    {
        var model = ModelFamily.ReadFolder(folder);
        var layout = ModelLayout.For(model, TrainingSubject.Settings(job));
        var training = new TrainingSpec { BatchSize = job.Batch, MaxTokens = job.Sequences.Max(sequence => sequence.Length) };
        return MemoryEstimate.Of(model, layout, Factors.A | Factors.B | Factors.Head, training, isPrivate, job.Batch, compute, dropout: 0);
    }
}
