using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FedLora.Simulations.Results;

/// <summary>
/// A simulation's folder: its runs below <c>runs</c>, and how they compare in <c>comparison.json</c> and <c>comparison.csv</c>.
/// </summary>
public static class RunsFile
{
    /// <summary>The finished runs of a simulation's folder, or the one run that it is.</summary>
    /// <exception cref="FedLoraException"><c>run-missing</c>, <c>run-invalid</c>.</exception>
    public static IReadOnlyList<RunSummary> Read(string folder)
    {
        if (RunFolder.Read(folder) is { } one)
            return [one];
        var runs = Path.Combine(folder, "runs");
        var found = Directory.Exists(runs)
            ? Directory.EnumerateDirectories(runs).Order(StringComparer.Ordinal).Select(RunFolder.Read).OfType<RunSummary>().ToList()
            : [];
        return found.Count > 0 ? found
            : throw new FedLoraException("run-missing", $"there is no finished run in '{folder}'",
                "give a folder that fedlora simulate --out has written");
    }

    /// <summary>Writes how the runs compare.</summary>
    public static void Write(string folder, IReadOnlyList<RunSummary> runs)
    {
        var rows = ComparisonRow.Of(runs);
        AtomicFile.Write(Path.Combine(folder, "comparison.json"), JsonSerializer.Serialize(rows, SimulationJson.Page) + "\n");
        var table = new StringBuilder(
            "name,runs,unfinished,accuracy,accuracy_half,macro_f1,macro_f1_half,held_out_loss,held_out_loss_half,bytes,seconds,epsilon,"
                + "aggregation_error\n");
        foreach (var row in rows)
        {
            table.Append(CultureInfo.InvariantCulture,
                $"\"{row.Name.Replace("\"", "\"\"", StringComparison.Ordinal)}\",{row.Runs},{row.Unfinished},{row.Accuracy.Mean},"
                    + $"{row.Accuracy.Half},{row.MacroF1.Mean},{row.MacroF1.Half},")
                .Append(CultureInfo.InvariantCulture,
                    $"{row.HeldOutLoss.Mean},{row.HeldOutLoss.Half},{row.Bytes.Mean},{row.Seconds.Mean},{row.Epsilon.Mean},"
                        + $"{row.AggregationError.Mean}\n");
        }

        AtomicFile.Write(Path.Combine(folder, "comparison.csv"), table.ToString());
    }
}
