using System.CommandLine;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using Spectre.Console;

namespace FedLora.Cli.Commands.Privacy;

/// <summary><c>fedlora privacy ledger</c>: what a node's data sets have spent, when, for whom, and what is left.</summary>
internal static class LedgerCommand
{
    public static Command Create()
    {
        var folder = new Argument<DirectoryInfo>("DIR") { Description = "The node's ledger folder." };
        var policyFile = new Option<FileInfo?>("--policy") { Description = "The site's policy file: shows what is left of its limit." };
        var delta = new Option<double?>("--delta") { Description = "The delta to state epsilon at; by default the policy's, or 1e-5." };
        return new Command("ledger", "What a node's data sets have spent, when, for whom, and what is left.") { folder, policyFile, delta }.RunsOnNumbers((parsed, output, _) =>
        {
            using var ledger = PrivacyLedger.Read(parsed.GetValue(folder)!.FullName);
            var policy = parsed.GetValue(policyFile) is { } file ? SitePolicy.Load(file.FullName) : new SitePolicy();
            var limit = policy.Limit with { Delta = parsed.GetValue(delta) ?? policy.Delta };
            var balances = ledger.DataSets.Select(dataSet =>
            {
                var spent = Accountants.Default.Epsilon(ledger.Spent(dataSet), limit.Delta).Epsilon;
                return new { DataSet = dataSet, SpentEpsilon = spent, LimitEpsilon = limit.Epsilon, LeftEpsilon = limit.Epsilon - spent, limit.Delta };
            }).ToList();
            output.Result(new { Balances = balances, ledger.Entries }, console =>
            {
                var entries = new Table().Border(TableBorder.Rounded).AddColumns("#", "when", "data set", "federation", "round", "sigma", "q", "steps", "clip");
                foreach (var entry in ledger.Entries)
                    entries.AddRow($"{entry.Sequence}", $"{entry.At:u}", entry.DataSet[..12], Markup.Escape(entry.Federation), $"{entry.Round}", $"{entry.NoiseMultiplier:0.####}", $"{entry.SamplingRate:0.######}", $"{entry.Steps}", $"{entry.ClipNorm:0.####}");
                console.Write(entries);
                foreach (var balance in balances)
                    console.WriteLine($"data set {balance.DataSet[..12]}: spent epsilon {balance.SpentEpsilon:0.####} at delta {balance.Delta:0.###e+0}"
                        + (balance.LeftEpsilon is { } left ? $", limit {balance.LimitEpsilon:0.####}, left {Math.Max(0, left):0.####}" : ", no limit"));
            });
            return Task.CompletedTask;
        });
    }
}
