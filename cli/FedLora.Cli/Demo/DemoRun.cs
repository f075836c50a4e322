using FedLora.Cli.Output;

namespace FedLora.Cli.Demo;

/// <summary>The demo from data to report.</summary>
internal sealed class DemoRun(DemoOptions options, CommandOutput output)
{
    /// <param name="finished">Told of what came out, before the processes end.</param>
    /// <param name="cancellationToken">Ends it; also the wait for people who look at the dashboard.</param>
    internal async Task RunAsync(Action<DemoReport> finished, CancellationToken cancellationToken)
    {
        using var workplace = new DemoWorkplace(options.Out);
        output.Remark("reading and splitting the mail ...");
        var data = workplace.PrepareData(options, cancellationToken);
        output.Progress.Write(DemoTables.Sites(data));
        output.Remark($"starting 1 coordinator and {options.Nodes} clients; logs in {workplace.Logs}");
        await using var run = await FederatedRun.StartAsync(options, workplace, data, cancellationToken);
        if (options.Dashboard)
            output.Remark($"the dashboard: {await run.DashboardLinkAsync(cancellationToken)}");
        var result = await DemoLive.RunAsync(run, options, output, clear: false, cancellationToken);
        await run.EndSitesAsync(all: !options.Dashboard);
        output.Remark("for comparison: each site alone, with the same number of steps ...");
        var alone = await Baselines.AloneAsync(options, workplace, data, cancellationToken);
        var together = TogetherScore.Of(options, workplace.Adapter, data, result, cancellationToken);
        finished(new DemoReport
        {
            Majority = Baselines.Majority(data),
            Alone = alone,
            Together = together,
            Rounds = (int)result.View.RoundsDone,
            Nodes = options.Nodes,
            Method = options.Method,
            FederatedSeconds = result.Seconds,
            BytesUpPerNode = (long)result.BytesUp,
            BytesDownPerNode = (long)result.BytesDown,
            Epsilon = options.Epsilon is null ? null : result.Spent.Max(site => site.Epsilon),
            Privacy = options.Epsilon is null ? null : result.Spent,
            Adapter = result.Adapter is null ? "" : workplace.Adapter,
        });
        if (options.Dashboard)
            await StayAsync(run, cancellationToken);
    }

    // Ctrl-C is how somebody who has looked at the dashboard ends the demo: no failure.
    private async Task StayAsync(FederatedRun run, CancellationToken cancellationToken)
    {
        output.Remark($"the coordinator stays up; the dashboard: {await run.DashboardLinkAsync(cancellationToken)}");
        output.Remark($"Ctrl-C ends it; further links: fedlora admin --data {run.Data} dashboard-link");
        var ended = new TaskCompletionSource();
        await using var registration = cancellationToken.Register(ended.SetResult);
        await ended.Task;
    }
}
