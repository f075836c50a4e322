using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using FedLora.Simulations.Demo;

namespace FedLora.Cli.Demo;

/// <summary>
/// Federations that are compared: one after the other with the same processes and data, each scored and its bytes counted.
/// </summary>
internal sealed class MethodRun : IAsyncDisposable
{
    private readonly DemoWorkplace workplace;
    private readonly DemoData data;
    private readonly FederatedRun run;
    private readonly CommandOutput output;

    private MethodRun(DemoWorkplace workplace, DemoData data, FederatedRun run, CommandOutput output) =>
        (this.workplace, this.data, this.run, this.output) = (workplace, data, run, output);

    /// <summary>Prepares the data and starts the processes.</summary>
    internal static async Task<MethodRun> StartAsync(DemoOptions options, CommandOutput output, CancellationToken cancellationToken)
    {
        var place = new DemoWorkplace(options.Out);
        try
        {
            var mail = place.PrepareData(options, cancellationToken);
            return new MethodRun(place, mail, await FederatedRun.StartAsync(options, place, mail, cancellationToken), output);
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    /// <summary>Runs one federation; its PEFT folder is the method's name below the workplace.</summary>
    /// <param name="federation">Its name is one that no other has.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    internal async Task<MethodResult> NextAsync(DemoOptions federation, CancellationToken cancellationToken)
    {
        var result = await DemoLive.RunAsync(run, federation, output, clear: true, cancellationToken);
        var score = TogetherScore.Of(federation, Path.Combine(workplace.Out, federation.Federation), data, result, cancellationToken);
        var rounds = result.View.Rounds.Where(round => round.State == RoundState.Committed).ToList();
        var errors = rounds.Where(round => round.HasAggregationError).Select(round => round.AggregationError).ToList();
        return new MethodResult(federation.Method, score.Accuracy, score.MacroF1, (long)(result.BytesUp / rounds.Count),
            (long)(result.BytesDown / rounds.Count),
            rounds.Average(round => round.ServerMs), errors.Count > 0 ? errors.Average() : null);
    }

    public async ValueTask DisposeAsync()
    {
        await run.DisposeAsync();
        workplace.Dispose();
    }
}
