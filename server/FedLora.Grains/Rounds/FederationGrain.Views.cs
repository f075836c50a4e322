namespace FedLora.Grains;

/// <content>What operators and nodes see.</content>
public sealed partial class FederationGrain
{
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _version;

    public Task<FederationView> GetAsync(CancellationToken cancellationToken) => Task.FromResult(View());

    public async Task<VersionedView> WatchAsync(long knownVersion, TimeSpan wait, CancellationToken cancellationToken)
    {
        var changed = _changed.Task;
        if (Version() == knownVersion && wait > TimeSpan.Zero)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(changed, Task.Delay(wait < MaxWait ? wait : MaxWait, time, limit.Token));
            await limit.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }

        return new() { Version = Version(), View = View() };
    }

    private static TimeSpan MaxWait => TimeSpan.FromMinutes(1);

    // Clock ticks at the last change: grows across restarts too.
    private long Version() => _version == 0 ? _version = time.GetUtcNow().UtcTicks : _version;

    private void Changed()
    {
        _version = Math.Max(_version + 1, time.GetUtcNow().UtcTicks);
        var waiting = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting.TrySetResult();
    }

    private FederationView View() => new()
    {
        Definition = Definition,
        State = federation.State.State,
        Reason = federation.State.State == FederationState.Running ? StatusText() : federation.State.Reason,
        RoundsDone = federation.State.RoundsDone,
        Adapter = federation.State.Adapter!,
        Fold = [.. federation.State.Fold],
        Current = federation.State.State is FederationState.Running or FederationState.Paused ? Current() : null,
        History = [.. federation.State.History],
        Excluded = [.. Round.Excluded],
        CreatedAt = federation.State.CreatedAt,
        Privacy = [.. federation.State.Privacy.Select(Privacy).OrderBy(row => row.Node, StringComparer.Ordinal)],
    };

    /// <summary>A node's row with what is known since the last committed round.</summary>
    private NodePrivacy Privacy(NodePrivacy row)
    {
        // Between a round's commit and the next one's record its updates are still here, and counted already.
        if (Round.Round > federation.State.RoundsDone && Round.Updates.GetValueOrDefault(row.NodeId)?.Header.Receipt is { } receipt)
            return row.After(receipt);
        return _candidates.GetValueOrDefault(row.NodeId)?.Presence.Profile.Balances is [var balance, ..] && balance.SpentEpsilon >= row.SpentEpsilon
            ? row with { SpentEpsilon = balance.SpentEpsilon, LimitEpsilon = balance.LimitEpsilon, Delta = balance.Delta }
            : row;
    }

    private RoundView Current() => new()
    {
        Round = Round.Round,
        Attempt = Round.Attempt,
        State = Round.State,
        Nodes = [.. Round.Cohort.Select(Node)],
        Wanted = Round.Wanted,
        Quorum = Round.Quorum,
        OpenedAt = Round.OpenedAt,
        Deadline = Round.Deadline,
    };

    private NodeInRound Node(CohortEntry entry)
    {
        var report = _candidates.GetValueOrDefault(entry.NodeId)?.Report is { } last && last.Round == Round.Round ? last : null;
        var update = Round.Updates.GetValueOrDefault(entry.NodeId)?.Header;
        return new()
        {
            NodeId = entry.NodeId,
            Name = entry.Name,
            Phase = report?.Phase ?? TaskPhase.Unspecified,
            UpdateIn = update is not null,
            Step = update?.Steps ?? report?.Step ?? 0,
            Steps = update?.Steps ?? report?.Steps ?? 0,
            Loss = update?.Loss ?? report?.Loss,
            ExampleCount = update?.ExampleCount ?? 0,
            UpdateBytes = update?.Bytes ?? 0,
            Receipt = update?.Receipt,
            Reason = entry.Failure,
        };
    }

    /// <summary>What it does or waits for, and for how long at most.</summary>
    private string StatusText()
    {
        var state = federation.State.State;
        if (state != FederationState.Running)
            return federation.State.Reason.Length > 0 ? federation.State.Reason : state == FederationState.Created ? "created, not started" : state.ToString().ToLowerInvariant();
        var repeat = Round.Attempt > Round.FirstAttempt ? $" (repetition {Round.Attempt - Round.FirstAttempt} of at most {Definition.Cohort.MaxRepeats})" : "";
        return Round.State switch
        {
            RoundState.Sampling => $"round {Round.Round}{repeat} waits for {CohortSampler.Needed(Definition.Cohort)} nodes, {Here()} here; pauses at {Round.SamplingSince + Definition.Cohort.SamplingTimeout:u}.{ExcludedText()}",
            RoundState.Open => $"round {Round.Round}{repeat}: {Round.Updates.Count} of {Round.Wanted} updates are in ({Round.Quorum} needed); closes at {Round.Deadline:u} at the latest",
            _ => $"round {Round.Round}: aggregating {Round.Updates.Count} updates",
        };
    }

    private int Here() => _candidates.Values.Count(IsHere);

    private bool IsHere(Candidate candidate) => candidate.Seen >= time.GetUtcNow() - PresenceWindow && Refusal(candidate.Presence).Length == 0;

    private RoundSummary Summary(RoundRecord record, string recordHash, AggregationOutcome outcome)
    {
        var told = record.Updates.Where(update => update.Header.Loss is not null).ToList();
        return new()
        {
            Round = record.Round,
            Attempt = record.Attempt,
            Adapter = record.After,
            Record = recordHash,
            Updates = record.Updates.Count,
            Loss = told.Count == 0 ? null : told.Sum(update => update.Header.Loss!.Value * update.Weight) / told.Sum(update => (double)update.Weight),
            BytesUp = record.Updates.Sum(update => update.Header.Bytes),
            Quorum = Round.Quorum,
            OpenedAt = Round.OpenedAt ?? time.GetUtcNow(),
            CommittedAt = time.GetUtcNow(),
            ServerMs = outcome.Milliseconds,
            AggregationError = outcome.AggregationError,
        };
    }
}
