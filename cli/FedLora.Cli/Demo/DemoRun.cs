using FedLora.Cli.Output;

namespace FedLora.Cli.Demo;

/// <summary>The demo from data to report.</summary>
internal sealed class DemoRun(DemoOptions options, CommandOutput output)
{
    internal async Task<DemoReport> RunAsync(CancellationToken cancellation)
    {
        using var workplace = new DemoWorkplace(options.Out);
        output.Remark("reading and splitting the mail ...");
        var data = workplace.PrepareData(options, cancellation);
        output.Progress.Write(DemoTables.Sites(data));
        output.Remark($"starting 1 coordinator and {options.Nodes} clients; logs in {workplace.Logs}");
        FederatedResult result;
        await using (var run = await FederatedRun.StartAsync(options, workplace, data, cancellation))
            result = await DemoLive.RunAsync(run, options, output, clear: false, cancellation);
        output.Remark("for comparison: each site alone, with the same number of steps ...");
        var alone = await Baselines.AloneAsync(options, workplace, data, cancellation);
        var together = TogetherScore.Of(options, workplace.Adapter, data, result, cancellation);
        return new DemoReport
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
        };
    }
}
