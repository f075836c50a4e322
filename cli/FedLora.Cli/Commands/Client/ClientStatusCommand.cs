using System.CommandLine;
using FedLora.Cli.Commands.Privacy;
using FedLora.Cli.Output;
using FedLora.Client.Hosting;
using FedLora.Client.State;
using FedLora.Client.Trainers;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using Spectre.Console;

namespace FedLora.Cli.Commands.Client;

/// <summary><c>fedlora client status</c>: what a site's own folder says of its node; no coordinator is asked, or believed.</summary>
internal static class ClientStatusCommand
{
    public static Command Create()
    {
        var config = new Option<string?>("--config") { Description = "The node's YAML file, which names its state folder." };
        var state = new Option<string?>("--state") { Description = "The node's own folder; by default the one that the file says." };
        return new Command("status",
            "What this site's node has spent, last sent and keeps, by its own folder; asks no coordinator.") { config, state }
            .Writes(typeof(SiteStatus)).Runs((parsed, output, _) =>
            {
                var file = parsed.GetValue(config) is { } path ? ClientConfigFile.Load(path) : new ClientConfigFile();
                var status = Read(parsed.GetValue(state) ?? file.State ?? Beside(file.Data)
                    ?? throw new UsageException("no state folder is named", "Give --state DIR, or --config FILE of the node."));
                output.Result(status, console => Show(console, status));
                return Task.CompletedTask;
            });
    }

    private static string? Beside(string? data) =>
        data is null ? null : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(data))!, "fedlora-node");

    private static SiteStatus Read(string folder)
    {
        if (!Directory.Exists(folder))
            throw new FedLoraException("state-missing", $"there is no state folder {folder}", "a node makes it at its first start");
        var credential = NodeCredential.Load(Path.Combine(folder, "node.json"));
        var ledgerFolder = Path.Combine(folder, "ledger");
        IReadOnlyList<LedgerBalance> balances = [];
        if (Directory.Exists(ledgerFolder))
        {
            using var ledger = PrivacyLedger.Read(ledgerFolder);
            balances = [.. ledger.DataSets.Select(dataSet => LedgerBalance.Of(ledger, dataSet, null, null))];
        }
        return new SiteStatus(Path.GetFullPath(folder), IsHeld(Path.Combine(folder, "lock")), credential?.Name, credential?.NodeId,
            credential?.Coordinator, balances, Hidden(folder), Sent(folder), Size(NodeFolder.CacheOf(folder)));
    }

    private static HiddenUpdates? Hidden(string folder)
    {
        var account = new UpdateNoiseAccount(folder);
        return account.Rounds is > 0 and var rounds
            ? new HiddenUpdates(rounds, account.Epsilon(UpdateNoiseTerms.UsualDelta), UpdateNoiseTerms.UsualDelta) : null;
    }

    private static bool IsHeld(string file)
    {
        if (!File.Exists(file))
            return false;
        using var free = HeldFile.TryOpen(file);
        return free is null;
    }

    private static List<SentUpdate> Sent(string folder)
    {
        var federations = Path.Combine(folder, "federations");
        return !Directory.Exists(federations) ? []
            : [.. Directory.EnumerateDirectories(federations).Select(Newest).OfType<SentUpdate>().OrderByDescending(update => update.Made)];
    }

    private static SentUpdate? Newest(string federation) => PendingUpdate.Load(federation) is not { } update ? null
        : new SentUpdate(
            update.Header.Federation, update.Header.Round, update.Header.Blob.Size, PendingUpdate.Waiting(federation) is not null,
            new DateTimeOffset(File.GetLastWriteTimeUtc(update.Path!), TimeSpan.Zero));

    private static long Size(string folder) =>
        Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) : 0;

    private static void Show(IAnsiConsole console, SiteStatus status)
    {
        console.WriteLine($"{status.Folder}: {(status.Running ? "a node is running on it" : "no node is running on it")}");
        console.WriteLine(status.Node is null ? "not enrolled anywhere yet"
            : $"enrolled as {status.Node} ({status.NodeId}) at {status.Coordinator}");
        if (status.Balances.Count == 0)
            console.WriteLine("nothing was spent");
        foreach (var balance in status.Balances)
            console.WriteLine(balance.Line);
        if (status.UpdateNoise is { } hidden)
        {
            console.WriteLine($"noise on whole updates: {hidden.Rounds} rounds, epsilon {EpsilonText.AtMost(hidden.Epsilon)} at delta "
                + $"{hidden.Delta:0.###e-0}, of the site as a whole");
        }
        foreach (var update in status.Updates)
        {
            console.WriteLine($"last update for {update.Federation}: round {update.Round}, {Units.Bytes(update.Bytes)}, "
                + $"made {update.Made:u}, " + (update.Waiting ? "not acknowledged yet" : "settled"));
        }
        console.WriteLine($"adapters kept: {Units.Bytes(status.CacheBytes)}");
    }

    /// <summary>What a node's folder says.</summary>
    internal sealed record SiteStatus(
        string Folder, bool Running, string? Node, string? NodeId, string? Coordinator, IReadOnlyList<LedgerBalance> Balances,
            HiddenUpdates? UpdateNoise, IReadOnlyList<SentUpdate> Updates, long CacheBytes);

    /// <summary>What noise on whole updates (--trainer-noise) has spent, of the site as a whole; no limit holds it.</summary>
    internal sealed record HiddenUpdates(int Rounds, double Epsilon, double Delta);

    /// <summary>A federation's newest update; it waits until the coordinator has said what becomes of it.</summary>
    internal sealed record SentUpdate(string Federation, uint Round, long Bytes, bool Waiting, DateTimeOffset Made);
}
