namespace FedLora.Grains.Federations;

/// <content>Doing what was decided.</content>
public sealed partial class FederationGrain
{
    private CancellationTokenSource? _aggregating;

    private async Task DoAsync(FederationEffect effect)
    {
        switch (effect)
        {
            case FederationEffect.LookAtNodes:
                await LookAsync();
                break;
            case FederationEffect.AskBudgets ask:
                AskBudgets(ask.NodeIds);
                break;
            case FederationEffect.Opened opened:
                log.Opened(Name, Round.Round, Round.Attempt, Round.Awaited.Count, Round.Quorum, Round.Deadline!.Value);
                foreach (var id in opened.NodeIds)
                    _ = WakeAsync(id);
                break;
            case FederationEffect.Closed:
                log.Closed(Name, Round.Round, Round.Updates.Count);
                break;
            case FederationEffect.Repeated repeated:
                instruments.Round(Name, "repeated");
                log.Repeated(Name, Round.Round, Round.Attempt, repeated.Why);
                break;
            case FederationEffect.Aggregate:
                StartAggregation();
                break;
            case FederationEffect.CancelAggregation:
                // Not awaited: it may be waiting for this very turn.
                _aggregating?.Cancel();
                break;
            case FederationEffect.AggregationFailed failed:
                log.AggregationFailed(Name, Round.Round, failed.Error);
                break;
            case FederationEffect.Committed committed:
                await CommittedAsync(committed);
                break;
            case FederationEffect.StateChanged:
                if (Standing.State == FederationState.Paused)
                    instruments.Round(Name, "paused");
                log.StateChanged(Name, Standing.State, Standing.Reason);
                NoteState();
                break;
            case FederationEffect.NodeFailed failed:
                log.NodeFailed(Name, Round.Round, failed.NodeId, failed.Reason);
                break;
            case FederationEffect.LeftOut left:
                foreach (var node in left.Nodes)
                    log.Excluded(Name, Round.Round, node.NodeId, node.Reason);
                break;
            case FederationEffect.WritePage page:
                _ = WritePageAsync(page);
                break;
        }
    }

    /// <summary>
    /// Outside the grain's turns, so that polls are answered meanwhile. Started anew after a restart: same inputs, same bytes.
    /// </summary>
    private void StartAggregation()
    {
        if (_aggregating is not null)
            return;
        _aggregating = new();
        var (inputs, cancel) = (RoundInputs.Of(Standing), _aggregating.Token);
        _ = AggregateAsync(inputs, cancel);
    }

    private async Task AggregateAsync(RoundInputs inputs, CancellationToken cancellationToken)
    {
        FederationEvent ended;
        try
        {
            ended = new FederationEvent.Aggregated(
                await Task.Run(() => aggregator.RunAsync(inputs, cancellationToken), CancellationToken.None));
        }
        catch (Exception error)
        {
            // Whatever it was, the federation hears of it: it never waits for an aggregation that has ended.
            ended = new FederationEvent.AggregationFailed(inputs.Round, error.Message, IsPassing(error));
        }

        Post(ended);
    }

    private static bool IsPassing(Exception error) =>
        error is IOException or TimeoutException or OperationCanceledException or RefusedException { Code: RefusalCodes.DiskFull }
            || (error is OrleansException and not RefusedException);

    private void EndOfAggregation()
    {
        _aggregating?.Dispose();
        _aggregating = null;
    }

    private async Task CommittedAsync(FederationEffect.Committed committed)
    {
        var summary = committed.Summary;
        instruments.Aggregated(summary.ServerMs);
        instruments.Round(Name, "committed");
        instruments.Lasted(Name, summary.CommittedAt - summary.OpenedAt);
        log.Committed(Name, summary.Round, summary.Updates, summary.Adapter.Sha256, summary.ServerMs);
        Here.ForgetBudgets();
        _uploads.Clear();
        await PruneAsync();
    }

    private async Task PruneAsync()
    {
        try
        {
            var leaving = await Roots.LeavingAsync(Standing, CancellationToken.None);
            if (leaving.Length > 0)
                await GrainFactory.GetGrain<IJanitorGrain>(IJanitorGrain.Key).ReleaseAsync(leaving, CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException or IOException or FedLoraException
            or System.Text.Json.JsonException)
        {
            // The hourly clean-up finds them.
            log.NotPruned(error, Name);
        }
    }

    private async Task WritePageAsync(FederationEffect.WritePage page)
    {
        try
        {
            await Page(page.Page).WriteAsync([.. page.Rounds], CancellationToken.None);
            Post(new FederationEvent.PageWritten(page.Page));
        }
        catch (Exception error) when (error is TimeoutException or OrleansException or IOException)
        {
            // Asked for again with the next commit.
            log.PageNotWritten(error, Name, page.Page);
        }
    }

    private IHistoryPageGrain Page(int page) => GrainFactory.GetGrain<IHistoryPageGrain>(HistoryPageGrain.Key(Name, page));

    // Not awaited: the registry may be waiting for this grain. It is told again at every activation.
    private void NoteState() => _ = TellRegistryAsync(Standing.State);

    private async Task TellRegistryAsync(FederationState state)
    {
        try
        {
            await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).NoteFederationAsync(Name, state, CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            log.RegistryNotTold(error, Name);
        }
    }

    private async Task WakeAsync(string nodeId)
    {
        try
        {
            await GrainFactory.GetGrain<INodeGrain>(nodeId).WakeAsync(CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            // It polls again by itself.
            log.NotWoken(error, nodeId);
        }
    }
}
