using FedLora.Cli.Plots;
using FedLora.Training.Models;

namespace FedLora.Benchmarks.Training;

/// <summary><c>fedlora bench train --curves FILE</c>: the same training in float32 and in bfloat16, step by step.</summary>
internal static class LossCurves
{
    private const int Steps = 200;
    private const int Smoothed = 10;

    /// <summary>Trains twice, draws both curves, and returns how far they are apart.</summary>
    public static IReadOnlyList<BenchRow> Run(string picture, Action<string> remark, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-").FullName;
        try
        {
            TrainingFolder.Write(TrainingCase.Curves(), folder);
            var (wide, narrow) = (Losses(ComputeType.F32), Losses(ComputeType.BF16));
            AtomicFile.Write(picture, SvgChart.Draw(new LineChart(
                $"LoRA training, SmolLM2's width, {Steps} steps", "step", "loss of the step's batch (nats)",
                [Line("float32", wide, dashed: false), Line("bfloat16 products", narrow, dashed: true)])));
            var (first, second) = (Means(wide), Means(narrow));
            return
            [
                new BenchRow("curves-f32-last", first[^1], "nats"),
                new BenchRow("curves-bf16-last", second[^1], "nats"),
                new BenchRow("curves-largest-difference", first.Zip(second, (a, b) => Math.Abs(a - b)).Max(), "nats"),
                new BenchRow("curves-fall", first[0] - first[^1], "nats"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        IReadOnlyList<double> Losses(ComputeType compute)
        {
            using var subject = new TrainingSubject(folder, compute);
            var done = subject.Train(Steps, 1, cancellationToken);
            remark($"{compute}: {Steps} steps in {done.Elapsed.TotalSeconds:0} s, loss {done.Losses[0]:0.000} to {done.Losses[^1]:0.000}");
            return done.Losses;
        }
    }

    private static ChartLine Line(string name, IReadOnlyList<double> losses, bool dashed) =>
        new(name, [.. losses.Select((loss, step) => ((double)step + 1, loss))], dashed);

    /// <summary>Means of ten steps each: one batch's loss says little.</summary>
    private static double[] Means(IReadOnlyList<double> losses) => [.. losses.Chunk(Smoothed).Select(chunk => chunk.Average())];
}
