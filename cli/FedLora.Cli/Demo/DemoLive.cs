using FedLora.Cli.Commands.Admin;
using FedLora.Cli.Output;

namespace FedLora.Cli.Demo;

/// <summary>Runs a federation of the demo and shows its processes, nodes and rounds meanwhile.</summary>
internal static class DemoLive
{
    internal static async Task<FederatedResult> RunAsync(FederatedRun run, DemoOptions federation, CommandOutput output, bool clear,
        CancellationToken cancellationToken)
    {
        FederatedResult? result = null;
        IReadOnlyList<(string Name, int Id)> running = [];
        await FederationLive.ShowAsync(output.Progress, view => DemoTables.Live(view, running), clear, async show =>
            result = await run.RunAsync(federation, (view, processes) =>
            {
                if (running.Count == 0 && !output.Progress.Profile.Out.IsTerminal)
                    output.Remark(DemoTables.Processes(processes));
                running = processes;
                show(view);
            }, cancellationToken));
        return result!;
    }
}
