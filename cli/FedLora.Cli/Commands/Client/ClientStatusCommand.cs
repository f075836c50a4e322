using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Hosting;
using FedLora.Client.State;
using FedLora.Privacy;
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
                var status = SiteStatus.Read(StateFolder(parsed.GetValue(state), file));
                output.Result(status, console => Show(console, status));
                return Task.CompletedTask;
            });
    }

    /// <summary>The node's folder, as its client would choose it.</summary>
    internal static string StateFolder(string? named, ClientConfigFile file) => named ?? file.State ?? Beside(file.Data)
        ?? throw new UsageException("no state folder is named", "Give --state DIR, or --config FILE of the node.");

    private static string? Beside(string? data) =>
        data is null ? null : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(data))!, "fedlora-node");

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
}
