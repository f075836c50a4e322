using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using FedLora.Simulations.Data;
using FedLora.Simulations.Results;

namespace FedLora.Simulations.Report;

/// <summary>
/// A simulation's report: one HTML file that needs nothing else, no network either. Charts are drawn by uPlot 1.6.32 (npm, MIT; its licence
/// lies beside it), which is in the page.
/// </summary>
public static partial class ReportPage
{
    private const int NodesShown = 200;

    /// <summary>Writes <c>report.html</c> into a simulation's folder.</summary>
    /// <param name="runs">Finished runs with their folders.</param>
    /// <param name="scenario">The scenario's text as it was written.</param>
    /// <returns>Its path.</returns>
    public static string Write(string folder, IReadOnlyList<(RunSummary Summary, string Folder)> runs, string scenario)
    {
        var data = new ReportData(
            ComparisonRow.Of(runs.Select(run => run.Summary)),
            [.. runs.Select(run => new ReportRun(
                run.Summary.Values.Count == 0 ? run.Summary.Name
                    : string.Join(',', run.Summary.Values.Select(pair => $"{Scenarios.Sweep.LastPart(pair.Key)}={pair.Value}")),
                ComparisonRow.NameOf(run.Summary),
                RunFolder.LinesOf(run.Folder),
                LastRound(run.Folder),
                run.Summary.Split))],
            scenario);
        var path = Path.Combine(folder, "report.html");
        AtomicFile.Write(path,
            Page(runs.Count > 0 ? runs[0].Summary.Name : "simulation", JsonSerializer.Serialize(data, SimulationJson.Line)));
        return path;
    }

    // In one pass: what is put in is not looked at again.
    private static string Page(string title, string json) =>
        Place().Replace(Resource("report.html"), place => place.Groups["name"].Value switch
        {
            "title" => WebUtility.HtmlEncode(title),
            "css" => Resource("uPlot.min.css"),
            "uplot" => Resource("uPlot.iife.min.js"),
            "script" => Resource("report.js"),
            // Nothing in it ends the element that it stands in.
            _ => json.Replace("<", "\\u003c", StringComparison.Ordinal),
        });

    [GeneratedRegex(@"\{\{(?<name>\w+)\}\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Place();

    private static IReadOnlyList<NodeLine> LastRound(string folder)
    {
        var all = RunFolder.NodesOf(folder);
        return all.Count == 0 ? [] : [.. all.Where(node => node.Round == all[^1].Round).Take(NodesShown)];
    }

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"report/{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>What the page draws.</summary>
internal sealed record ReportData(IReadOnlyList<ComparisonRow> Comparison, IReadOnlyList<ReportRun> Runs, string Scenario);

/// <summary>One run of it.</summary>
internal sealed record ReportRun(string Name, string Group, IReadOnlyList<ResultLine> Rounds, IReadOnlyList<NodeLine> Nodes,
    SplitSummary Split);
