using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using FedLora.Simulations.Demo;

namespace FedLora.Cli.Demo;

/// <summary>One federation of several that are compared: run, scored, its bytes counted.</summary>
internal static class MethodRun
{
    /// <summary>Runs it on data that lie there already.</summary>
    internal static async Task<MethodResult> RunAsync(DemoOptions options, DemoData data, CommandOutput output, CancellationToken cancellation)
    {
        using var workplace = new DemoWorkplace(options.Out);
        var result = await DemoLive.RunAsync(new FederatedRun(options, workplace, data), output, clear: true, cancellation);
        var score = TogetherScore.Of(options, workplace, data, result, cancellation);
        var rounds = result.View.Rounds.Where(round => round.State == RoundState.Committed).ToList();
        var errors = rounds.Where(round => round.HasAggregationError).Select(round => round.AggregationError).ToList();
        return new MethodResult(options.Method, score.Accuracy, score.MacroF1,
            (long)(result.Nodes.Average(node => (double)(node.Traffic?.Sent ?? 0)) / rounds.Count),
            (long)(result.Nodes.Average(node => (double)(node.Traffic?.Received ?? 0)) / rounds.Count),
            rounds.Average(round => round.ServerMs),
            errors.Count > 0 ? errors.Average() : null);
    }
}
