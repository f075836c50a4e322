namespace FedLora.Grains;

/// <content>Sampling, opening, closing, aggregating, committing.</content>
public sealed partial class FederationGrain
{
    private CancellationTokenSource? _aggregating;
    private Task _aggregation = Task.CompletedTask;

    /// <summary>Goes as far as it can now and sets the timer for when it has to look again.</summary>
    private async Task AdvanceAsync(CancellationToken cancellationToken)
    {
        var due = Timeout.InfiniteTimeSpan;
        if (federation.State.Definition is not null && (federation.State.State == FederationState.Running || (federation.State.State == FederationState.Paused && Round.State == RoundState.Aggregating)))
        {
            due = Round.State switch
            {
                RoundState.Sampling => await SampleAsync(cancellationToken),
                RoundState.Open => await WatchOverAsync(cancellationToken),
                _ => Timeout.InfiniteTimeSpan,
            };
            if (Round.State == RoundState.Aggregating)
                StartAggregation();
        }

        _timer!.Change(due, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Draws a cohort where enough nodes are there; returns when to look again.</summary>
    private async Task<TimeSpan> SampleAsync(CancellationToken cancellationToken)
    {
        var eligible = await EligibleAsync(cancellationToken);
        var delivered = Round.Updates.Count;
        if (eligible.Count == 0 || eligible.Count + delivered < CohortSampler.Needed(Definition.Cohort))
        {
            if (await IsSpentAsync(cancellationToken))
            {
                await GiveUpAsync($"Round {Round.Round} cannot be had: too few nodes have privacy budget for it.{ExcludedText()}", cancellationToken);
                return Timeout.InfiniteTimeSpan;
            }

            var left = Round.SamplingSince + Definition.Cohort.SamplingTimeout - time.GetUtcNow();
            if (left > TimeSpan.Zero)
                return left < PresenceWindow ? left : PresenceWindow;
            await GiveUpAsync($"Round {Round.Round} waited {Definition.Cohort.SamplingTimeout} for {CohortSampler.Needed(Definition.Cohort)} nodes; {eligible.Count} were there.{ExcludedText()}", cancellationToken);
            return Timeout.InfiniteTimeSpan;
        }

        var (wanted, sampled, quorum) = CohortSampler.Sizes(Definition.Cohort, eligible.Count + delivered);
        var drawn = CohortSampler.Draw(eligible.Keys, Math.Max(1, sampled - delivered), Definition.Seed, Round.Round, Round.Attempt);
        var now = time.GetUtcNow();
        Round.Cohort.RemoveAll(entry => drawn.Contains(entry.NodeId));
        Round.Cohort.AddRange(drawn.Select(id => eligible[id].Entry(Definition, Round.Attempt)));
        (Round.Wanted, Round.Quorum) = (wanted, quorum);
        (Round.OpenedAt, Round.Deadline) = (now, now + Definition.Cohort.Deadline);
        Round.State = RoundState.Open;
        await StoreAsync(round);
        log.Opened(Name, Round.Round, Round.Attempt, drawn.Count, quorum, Round.Deadline.Value);
        Changed();
        foreach (var id in drawn)
            _ = WakeAsync(id);
        return Definition.Cohort.Deadline;
    }

    /// <summary>Closes the open round where it can or must be; returns when to look again.</summary>
    private async Task<TimeSpan> WatchOverAsync(CancellationToken cancellationToken)
    {
        var left = Round.Deadline!.Value - time.GetUtcNow();
        var over = left <= TimeSpan.Zero || !Round.Outstanding.Any();
        if (Round.Updates.Count >= Round.Wanted || (over && Round.Updates.Count >= Round.Quorum))
        {
            Round.State = RoundState.Aggregating;
            await StoreAsync(round);
            log.Closed(Name, Round.Round, Round.Updates.Count);
            Changed();
            return Timeout.InfiniteTimeSpan;
        }

        if (!over)
            return left;
        var why = $"{Round.Updates.Count} of {Round.Quorum} needed updates {(left <= TimeSpan.Zero ? "at the deadline" : "and no node left to wait for")}";
        if (Round.Attempt - Round.FirstAttempt >= Definition.Cohort.MaxRepeats)
        {
            await GiveUpAsync($"Round {Round.Round} ended without quorum {Round.Attempt - Round.FirstAttempt + 1} times: {why}.", cancellationToken);
            return Timeout.InfiniteTimeSpan;
        }

        Round.Attempt++;
        Round.State = RoundState.Sampling;
        Round.SamplingSince = time.GetUtcNow();
        await StoreAsync(round);
        instruments.Round(Name, "repeated");
        log.Repeated(Name, Round.Round, Round.Attempt, why);
        Changed();
        return await SampleAsync(cancellationToken);
    }

    private async Task GiveUpAsync(string reason, CancellationToken cancellationToken)
    {
        instruments.Round(Name, "paused");
        await SetStateAsync(FederationState.Paused, reason, cancellationToken);
    }

    /// <summary>Outside the grain's turns, so that polls are answered meanwhile. Started anew after a restart: same inputs, same bytes.</summary>
    private void StartAggregation()
    {
        if (_aggregating is not null)
            return;
        _aggregating = new();
        var inputs = new RoundInputs(Definition, Round.Round, federation.State.Adapter!, InNodeOrder()) { Optimizer = federation.State.Optimizer };
        var (attempt, cancel, self) = (Round.Attempt, _aggregating.Token, this.AsReference<IFederationGrain>());
        _aggregation = Task.Run(() => AggregateAsync(inputs, attempt, self, cancel), CancellationToken.None);
    }

    private async Task AggregateAsync(RoundInputs inputs, int attempt, IFederationGrain self, CancellationToken cancel)
    {
        var outcome = new AggregationOutcome { Round = inputs.Round, Attempt = attempt };
        try
        {
            var output = await aggregator.RunAsync(inputs, cancel);
            outcome = outcome with { Adapter = output.After, Fold = output.Fold, Milliseconds = output.Milliseconds, AggregationError = output.AggregationError, Optimizer = output.Optimizer };
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception error)
        {
            // Whatever it was, the federation pauses and says why; it never waits for an aggregation that has ended.
            outcome = outcome with { Error = error.Message };
        }

        // A grain that is busy for longer than a call waits must hear of it all the same.
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await self.CompleteAggregationAsync(outcome, CancellationToken.None);
                return;
            }
            catch (TimeoutException error)
            {
                log.BusyWhileAggregated(error, Name, inputs.Round);
            }
        }
    }

    public async Task CompleteAggregationAsync(AggregationOutcome outcome, CancellationToken cancellationToken)
    {
        if (Round.Round != outcome.Round || Round.State != RoundState.Aggregating || federation.State.State == FederationState.Stopped)
            return;
        _aggregating?.Dispose();
        _aggregating = null;
        if (outcome.Adapter is null)
        {
            log.AggregationFailed(Name, Round.Round, outcome.Error);
            await GiveUpAsync($"Round {Round.Round} could not be aggregated: {outcome.Error} Its updates are kept; start the federation to try again.", cancellationToken);
            return;
        }

        instruments.Aggregated(outcome.Milliseconds);
        await CommitAsync(outcome, cancellationToken);
        await AdvanceAsync(cancellationToken);
    }

    private async Task CommitAsync(AggregationOutcome outcome, CancellationToken cancellationToken)
    {
        var updates = InNodeOrder();
        var record = new RoundRecord
        {
            Federation = Name,
            Round = Round.Round,
            Attempt = Round.Attempt,
            Before = federation.State.Adapter!,
            Updates = updates,
            After = outcome.Adapter!,
            Fold = outcome.Fold,
            Cohort = [.. Round.Cohort.Select(entry => entry.NodeId)],
            Excluded = [.. Round.Excluded],
            Optimizer = federation.State.Optimizer,
        };
        var recordHash = await blobs.PutJsonAsync(record, cancellationToken);
        var summary = Summary(record, recordHash, outcome);
        var state = federation.State;
        state.History.Add(summary);
        state.Adapter = outcome.Adapter;
        state.Optimizer = outcome.Optimizer;
        if (outcome.Fold is { } fold)
            state.Fold.Add(fold);
        state.Privacy = [.. state.Privacy.Select(row => Round.Updates.GetValueOrDefault(row.NodeId)?.Header.Receipt is { } receipt ? row.After(receipt) : row)];
        var last = state.RoundsDone >= Definition.Rounds;
        if (last)
            (state.State, state.Reason) = (FederationState.Finished, $"All {Definition.Rounds} rounds are done.");
        // This write is the commit: adapter, round and record are in it together.
        await StoreAsync(federation);
        instruments.Round(Name, "committed");
        log.Committed(Name, summary.Round, summary.Updates, summary.Adapter.Sha256, outcome.Milliseconds);
        if (last)
            NoteState();
        round.State = NextRound();
        await StoreAsync(round);
        Changed();
        await Retention.PruneAsync(blobs, Definition.Retention, state, cancellationToken);
    }

    private StoredUpdate[] InNodeOrder() => [.. Round.Updates.Values.OrderBy(update => update.Header.NodeId, StringComparer.Ordinal)];

    private async Task CancelAggregationAsync()
    {
        if (_aggregating is not { } running)
            return;
        _aggregating = null;
        await running.CancelAsync();
        await _aggregation.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        running.Dispose();
    }

    private async Task WakeAsync(string nodeId)
    {
        try
        {
            await GrainFactory.GetGrain<INodeGrain>(nodeId).WakeAsync(CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or Orleans.Runtime.OrleansException)
        {
            // It polls again by itself.
            log.NotWoken(error, nodeId);
        }
    }
}
