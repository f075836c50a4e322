using System.CommandLine;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using FedLora.Privacy.Ledger;
using Spectre.Console;

namespace FedLora.Cli.Commands.Privacy;

/// <summary><c>fedlora privacy ledger</c>: what a node's data sets have spent, when, for whom, and what is left.</summary>
internal static class LedgerCommand
{
    public static Command Create()
    {
        var folder = new Argument<DirectoryInfo>("DIR") { Description = "The node's ledger folder, e.g. fedlora-node/ledger." };
        var policyFile = new Option<FileInfo?>("--policy")
        {
            Description =
                "The site's policy file: shows what is left of its limit. By default the limit in force when the data set last spent.",
        };
        var delta = new Option<double?>("--delta") { Description = "The delta to state epsilon at; by default the limit's." };
        return new Command("ledger", "What a node's data sets have spent, when, for whom, and what is left.") { folder, policyFile, delta }
            .Writes(typeof(LedgerJson)).RunsOnNumbers((parsed, output, _) =>
        {
            using var ledger = PrivacyLedger.Read(parsed.GetValue(folder)!.FullName);
            var policy = parsed.GetValue(policyFile) is { } file
                ? SitePolicy.Load(file.FullName, [.. Methods.All.Select(method => method.Name)]) : null;
            var balances = ledger.DataSets.Select(dataSet => LedgerBalance.Of(ledger, dataSet, policy?.Limit, parsed.GetValue(delta)))
                .ToList();
            output.Result(new LedgerJson(balances, ledger.Entries), console => Show(console, ledger, balances));
            return Task.CompletedTask;
        });
    }

    private static void Show(IAnsiConsole console, PrivacyLedger ledger, IReadOnlyList<LedgerBalance> balances)
    {
        var entries = new Table().Border(TableBorder.Rounded)
            .AddColumns("#", "when", "data set", "coordinator", "federation", "round", "sigma", "q", "steps", "clip");
        foreach (var entry in ledger.Entries)
        {
            var run = entry.IsPrivate
                ? new[]
                {
                    $"{entry.NoiseMultiplier:0.####}",
                    $"{entry.SamplingRate:0.######}",
                    $"{entry.Steps}",
                    $"{entry.ClipNorm:0.####}",
                } : ["without privacy", "", "", ""];
            entries.AddRow(
                [$"{entry.Sequence}", $"{entry.At:u}", Markup.Escape(ledger.LabelOf(entry.DataSet)?.Name ?? entry.DataSet[..12]),
                    Markup.Escape(entry.Coordinator ?? ""), Markup.Escape(entry.Federation), $"{entry.Round}", .. run]);
        }
        console.Write(entries);
        foreach (var balance in balances)
            console.WriteLine(balance.Line);
    }
}

/// <summary>A ledger, as <c>--json</c> shows it.</summary>
internal sealed record LedgerJson(IReadOnlyList<LedgerBalance> Balances, IReadOnlyList<LedgerEntry> Entries);
