using FedLora.Cli.Commands.Admin;
using FedLora.Cli.Output;
using FedLora.Privacy;
using FedLora.Protocol.V1;
using FedLora.Simulations.Demo;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace FedLora.Cli.Demo;

/// <summary>The demo on a screen.</summary>
internal static class DemoTables
{
    /// <summary>What each site has.</summary>
    internal static IRenderable Sites(DemoData data)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("the sites' mail (none leaves its site)")
            .AddColumns("site", "mails", "spam", "from");
        foreach (var (site, index) in data.Summary.Select((site, index) => (site, index)))
        {
            table.AddRow($"site-{index + 1}", $"{site.Mails}", Units.Percent(site.Spam / (double)site.Mails),
                Markup.Escape(string.Join(", ", site.Sources.Select(source => $"{source.Key} {source.Value}"))));
        }
        return table;
    }

    /// <summary>One line: which processes run.</summary>
    internal static string Processes(IReadOnlyList<(string Name, int Id)> processes) =>
        $"processes: {string.Join(", ", processes.Select(process => $"{process.Name} ({process.Id})"))}";

    /// <summary>What each site has spent.</summary>
    private static Table Privacy(IReadOnlyList<SiteEpsilon> sites)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("privacy spent, for each mail, by the sites' own ledgers")
            .AddColumns("site", "epsilon", "delta", "sigma", "q", "rounds");
        foreach (var site in sites)
            table.AddRow(Markup.Escape(site.Node), EpsilonText.AtMost(site.Epsilon, 3), site.Delta.ToString("0.###e+0"),
                site.NoiseMultiplier.ToString("0.000"), site.SamplingRate.ToString("0.0000"), $"{site.Rounds}");
        return table;
    }

    /// <summary>Rounds and nodes while they run.</summary>
    internal static IRenderable Live(FederationView view, IReadOnlyList<(string Name, int Id)> processes) => new Rows(
        new Text(Processes(processes)),
        FederationTables.Of(view));

    /// <summary>The result.</summary>
    internal static IRenderable Result(DemoReport report)
    {
        var table = new Table().Border(TableBorder.Rounded).Title($"{DemoData.HeldOutMails} held-out mails")
            .AddColumns("who", "accuracy", "macro-F1");
        table.AddRow("always the more frequent label", Units.Percent(report.Majority.Accuracy), report.Majority.MacroF1.ToString("0.000"));
        foreach (var site in report.Alone)
            table.AddRow($"{Markup.Escape(site.Node)} alone, same number of steps", Units.Percent(site.Accuracy),
                site.MacroF1.ToString("0.000"));
        table.AddRow($"[bold]all sites together ({Markup.Escape(report.Method)})[/]", $"[bold]{Units.Percent(report.Together.Accuracy)}[/]",
            $"[bold]{report.Together.MacroF1:0.000}[/]");
        var rows = new List<IRenderable>
        {
            table,
            new Text(
                $"{report.Rounds} rounds in {report.FederatedSeconds:0.0} s; each node sent {Units.Bytes(report.BytesUpPerNode)} and "
                    + $"received {Units.Bytes(report.BytesDownPerNode)} (counted on the socket)."),
        };
        if (report.Privacy is { } sites)
            rows.Add(Privacy(sites));
        rows.Add(
            new Text(
                report.Adapter.Length > 0 ? $"The adapter, as PEFT loads it: {report.Adapter}"
                    : "Every site keeps an adapter of its own; there is none for all."));
        return new Rows(rows);
    }
}
