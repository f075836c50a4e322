using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using FedLora.Simulations.Demo;

namespace FedLora.Cli.Demo;

/// <summary>
/// Federations that are compared: one after the other with the same processes and data, each scored and its bytes counted.
/// </summary>
internal sealed class MethodRun : IAsyncDisposable
{
    private readonly DemoWorkplace _workplace;
    private readonly DemoData _data;
    private readonly FederatedRun _run;
    private readonly CommandOutput _output;

    private MethodRun(DemoWorkplace workplace, DemoData data, FederatedRun run, CommandOutput output) =>
        (this._workplace, this._data, this._run, this._output) = (workplace, data, run, output);

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
        var result = await DemoLive.RunAsync(_run, federation, _output, clear: true, cancellationToken);
        var score = TogetherScore.Of(federation, Path.Combine(_workplace.Out, federation.Federation), _data, result, cancellationToken);
        var rounds = result.View.Rounds.Where(round => round.State == RoundState.Committed).ToList();
        var errors = rounds.Where(round => round.HasAggregationError).Select(round => round.AggregationError).ToList();
        return new MethodResult(federation.Method, score.Accuracy, score.MacroF1, (long)(result.BytesUp / rounds.Count),
            (long)(result.BytesDown / rounds.Count),
            rounds.Average(round => round.ServerMs), errors.Count > 0 ? errors.Average() : null);
    }

    public async ValueTask DisposeAsync()
    {
        await _run.DisposeAsync();
        _workplace.Dispose();
    }
}
