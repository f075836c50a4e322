using FedLora.Cli.Plots;
using FedLora.Training.Running;

namespace FedLora.Cli.Commands.Models;

/// <summary>An evaluation's pictures: <c>calibration.svg</c>, and of a classifier <c>confusion.svg</c>.</summary>
internal static class EvaluationPlots
{
    /// <summary>Writes them.</summary>
    /// <returns>Their paths.</returns>
    public static IReadOnlyList<string> Write(string folder, Evaluation found, IReadOnlyList<string> labels)
    {
        var files = new List<string>();
        if (found.Confusion is { } confusion)
            Add("confusion.svg", SvgChart.Draw(new MatrixChart(
                $"What was guessed for what ({found.Labels:#,0} examples)", "label", "guess", labels,
                [.. Enumerable.Range(0, confusion.Classes).Select(row => Enumerable.Range(0, confusion.Classes)
                    .Select(column => confusion[row, column]).ToArray())])));
        var points = found.Calibration!.Bins.Where(bin => bin.Count > 0).Select(bin => (bin.Confidence, bin.Accuracy)).ToList();
        Add("calibration.svg", SvgChart.Draw(new LineChart(
            $"Share right by probability (expected calibration error {100 * found.Calibration.Error:0.00} %)",
            "probability of the guess", "share of the guesses that is right",
            [new ChartLine("this model", points), new ChartLine("probabilities that say what they are", [(0, 0), (1, 1)], Dashed: true)])));
        return files;

        void Add(string name, string svg)
        {
            files.Add(Path.Combine(folder, name));
            File.WriteAllText(files[^1], svg);
        }
    }
}
