using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.State;
using FedLora.Privacy;
using Spectre.Console;

namespace FedLora.Cli.Commands.Client;

/// <summary><c>fedlora client status</c>: what a site's own folder says of its node; no coordinator is asked, or believed.</summary>
internal static class ClientStatusCommand
{
    public static Command Create()
    {
        var site = new SiteOptions();
        return site.AddTo(new Command("status",
            "What this site's node has spent, last sent and keeps, by its own folder; asks no coordinator."))
            .Writes(typeof(SiteStatus)).Runs((parsed, output, _) =>
            {
                var status = SiteStatus.Read(site.Read(parsed).Folder);
                output.Result(status, console => Show(console, status));
                return Task.CompletedTask;
            });
    }

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
