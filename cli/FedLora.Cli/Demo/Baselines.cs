using System.Text.Json;
using FedLora.Cli.Output;
using FedLora.Cli.Processes;
using FedLora.Simulations.Demo;
using FedLora.Training.Running;

namespace FedLora.Cli.Demo;

/// <summary>What the federation is compared with, on the same held-out mails.</summary>
internal static class Baselines
{
    /// <summary>Always the label that is more frequent in all sites' mail.</summary>
    internal static Score Majority(DemoData data)
    {
        var (mails, spam) = (data.Summary.Sum(site => site.Mails), data.Summary.Sum(site => site.Spam));
        var answer = 2 * spam > mails ? "spam" : "ham";
        var labels = File.ReadLines(data.HeldOut).Select(LabelOf).ToList();
        var (hits, misses) = (labels.Count(label => label == answer), labels.Count(label => label != answer));
        return new Score((double)hits / labels.Count, new Confusion(new long[,] { { hits, 0 }, { misses, 0 } }).MacroF1);
    }

    /// <summary>Each site alone, each in a process of its own, all at once.</summary>
    internal static async Task<IReadOnlyList<AloneScore>> AloneAsync(DemoOptions options, DemoWorkplace workplace, DemoData data,
        CancellationToken cancellationToken)
    {
        var processes = new List<ChildProcess>();
        try
        {
            for (var site = 1; site <= options.Nodes; site++)
            {
                processes.Add(
                    ChildProcess.Start($"site-{site} alone", Path.Combine(workplace.Logs, $"site-{site}-alone.log"), options.Threads,
                        DemoSiteCommand.Name, "--site", $"{site}", "--data", data.Sites[site - 1], "--held-out", data.HeldOut, "--model",
                        options.Model, "--rounds", $"{options.Rounds}",
                        "--steps", $"{options.Steps}", "--nodes", $"{options.Nodes}", "--seed", $"{options.Seed}", "--out",
                        ResultFile(workplace, site), "--with-parent"));
            }
            await Task.WhenAll(processes.Select(process => process.WaitAsync(cancellationToken)));
            return [.. Enumerable.Range(1, options.Nodes)
                .Select(site => JsonSerializer.Deserialize<AloneScore>(File.ReadAllText(ResultFile(workplace, site)), Json.Options)!)];
        }
        finally
        {
            await Task.WhenAll(processes.Select(process => process.DisposeAsync().AsTask()));
        }
    }

    private static string? LabelOf(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("label").GetString();
    }

    private static string ResultFile(DemoWorkplace workplace, int site) => workplace.Scratch($"alone-{site}.json");
}
