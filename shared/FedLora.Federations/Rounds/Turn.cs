using System.Collections.Immutable;
using FedLora.Federations.Definitions;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Rounds;

/// <summary>One decision in the making.</summary>
internal sealed class Turn(FederationStanding standing, DateTimeOffset now)
{
    private readonly ImmutableArray<FederationEffect>.Builder _effects = ImmutableArray.CreateBuilder<FederationEffect>();

    public FederationStanding Standing { get; set; } = standing;

    public DateTimeOffset Now { get; } = now;

    public FederationDefinition Definition => Standing.Definition;

    public RoundProgress Round
    {
        get => Standing.Round;
        set => Standing = Standing with { Round = value };
    }

    public bool IsRunning => Standing.State == FederationState.Running;

    /// <summary>A cohort was drawn before, and enough of it has delivered.</summary>
    public bool HasQuorum => Round.OpenedAt is not null && Round.Updates.Count >= Round.Quorum;

    public void Do(FederationEffect effect) => _effects.Add(effect);

    public Decision End() => new(Standing, _effects.DrainToImmutable(), Waiting.Until(Standing, Now));

    /// <summary>A clock that was set back behind a wait's beginning would prolong it: the wait begins now.</summary>
    public void SetClockBack()
    {
        if (Round.SamplingSince > Now)
            Round = Round with { SamplingSince = Now };
        if (Round is { State: RoundState.Open, OpenedAt: { } opened } && opened > Now)
            Round = Round with { OpenedAt = Now, Deadline = Now + Definition.Cohort.Deadline };
        if (Round.AggregateAgainAt > Now + Retries.After(Round.AggregationFailures))
            Round = Round with { AggregateAgainAt = Now };
    }

    public void Start()
    {
        if (Standing.State is not (FederationState.Created or FederationState.Paused))
            return;
        // Faults of before the start are forgiven: whoever starts it has seen to them, or wants to see.
        Round = Round.State == RoundState.Aggregating
            ? Round with { AggregationFailures = 0, AggregateAgainAt = null }
            : Sample(Round with { Attempt = Round.OpenedAt is null ? Round.Attempt : Round.Attempt + 1, IsShort = false }) with
            {
                Cohort = Round.Cohort.ToImmutableDictionary(pair => pair.Key, pair => Forgiven(pair.Value)),
            };
        if (Round.State == RoundState.Sampling)
            Round = Round with { FirstAttempt = Round.Attempt };
        EnterState(FederationState.Running, "");
        Look();
        Aggregation(running: false);
    }

    public void EnterState(FederationState state, string reason)
    {
        Standing = Standing with { State = state, Reason = reason };
        Do(new FederationEffect.StateChanged());
    }

    public void Look()
    {
        if (IsRunning && Round.State == RoundState.Sampling)
            Do(new FederationEffect.LookAtNodes());
    }

    /// <summary>A round that is being aggregated has an aggregation, or a time when it is tried again.</summary>
    public void Aggregation(bool running)
    {
        if (running || Round.State != RoundState.Aggregating || Standing.State is not (FederationState.Running or FederationState.Paused)
            || Retries.Exhausted(Round) || Round.AggregateAgainAt > Now)
            return;
        if (Round.AggregateAgainAt is not null)
            Round = Round with { AggregateAgainAt = null };
        Do(new FederationEffect.Aggregate());
    }

    public void NodeFailed(FederationEvent.NodeFailed failed)
    {
        if (!IsRunning || failed.Round != Round.Round || Round.State is not (RoundState.Open or RoundState.Sampling)
            || Round.Updates.ContainsKey(failed.NodeId) || !Round.Cohort.TryGetValue(failed.NodeId, out var member))
            return;
        Round = Round with
        {
            Cohort = Round.Cohort.SetItem(failed.NodeId,
                member with { Failure = failed.Reason, Failures = member.Failures + 1, FailedAt = Now }),
            Awaited = Round.Awaited.Remove(failed.NodeId),
        };
        Do(new FederationEffect.NodeFailed(failed.NodeId, failed.Reason));
    }

    public void NodeRevoked(string nodeId)
    {
        if (Round.State is not (RoundState.Open or RoundState.Sampling) || !Round.Cohort.TryGetValue(nodeId, out var member)
            || member.Revoked)
            return;
        Round = Round with
        {
            Cohort = Round.Cohort.SetItem(nodeId, member with { Revoked = true, Failure = "revoked" }),
            Awaited = Round.Awaited.Remove(nodeId),
        };
        Do(new FederationEffect.NodeFailed(nodeId, "revoked"));
    }

    public void Take(UpdateHeader header)
    {
        var admission = Admission.Of(Standing, header);
        if (admission.Refusal is { } refusal)
        {
            Do(new FederationEffect.Refuse(refusal));
            return;
        }

        if (admission.AlreadyStored)
        {
            Do(new FederationEffect.Acknowledge(Round.Updates[header.NodeId]));
            return;
        }

        var update = new StoredUpdate
        {
            Header = header with { Loss = Finite(header.Loss), TrainSeconds = Finite(header.TrainSeconds) ?? 0 },
            Weight = Definition.WeightOf(admission.Member!.Name, header.ExampleCount),
            ReceivedAt = Now,
            Rank = admission.Member.Rank,
        };
        Round = Round with { Updates = Round.Updates.SetItem(header.NodeId, update), Awaited = Round.Awaited.Remove(header.NodeId) };
        Do(new FederationEffect.Acknowledge(update));
    }

    /// <summary>
    /// Closes the round where it can or must be; without quorum it is repeated a bounded number of times, then the federation pauses.
    /// </summary>
    public void CloseOrRepeat()
    {
        if (!IsRunning || Round.OpenedAt is null)
            return;
        // While nodes are looked for again, what still arrives may make the quorum; and where none come, it is enough.
        if (Round.State == RoundState.Sampling && HasQuorum
            && (Round.Attempt > Round.FirstAttempt || Round.SamplingSince + Definition.Cohort.SamplingTimeout <= Now))
        {
            Close();
            return;
        }

        if (Round.State != RoundState.Open)
            return;
        var late = Round.Deadline <= Now;
        var over = late || Round.Awaited.IsEmpty;
        if (Round.Updates.Count >= Round.Wanted || (over && HasQuorum))
        {
            Close();
            return;
        }

        if (!over)
            return;
        var why = $"{Round.Updates.Count} of {Round.Quorum} needed updates {(late ? "at the deadline" : "and no node left to wait for")}";
        if (Round.Attempt - Round.FirstAttempt >= Definition.Cohort.MaxRepeats)
        {
            EnterState(FederationState.Paused,
                $"Round {Round.Round} ended without quorum {Round.Attempt - Round.FirstAttempt + 1} times: {why}.{Failures()}");
            return;
        }

        Round = Sample(Round with { Attempt = Round.Attempt + 1 });
        Do(new FederationEffect.Repeated(why));
        Look();
    }

    public void AggregationFailed(FederationEvent.AggregationFailed failed)
    {
        if (failed.Round != Round.Round || Round.State != RoundState.Aggregating
            || Standing.State is not (FederationState.Running or FederationState.Paused))
            return;
        var failures = failed.Passing ? Round.AggregationFailures + 1 : Retries.Aggregations;
        Round = Round with
        {
            AggregationFailures = failures,
            AggregateAgainAt = failures < Retries.Aggregations ? Now + Retries.After(failures) : null,
        };
        Do(new FederationEffect.AggregationFailed(failed.Error));
        if (Retries.Exhausted(Round))
            EnterState(FederationState.Paused,
                $"Round {Round.Round} could not be aggregated: {failed.Error} Its updates are kept; start the federation to try again.");
    }

    public void NotePrivacy(ImmutableArray<NodePrivacy> rows)
    {
        if (rows.Length > 0)
        {
            var (fresh, names) = (rows.Select(row => row.NodeId).ToHashSet(StringComparer.Ordinal),
                rows.Select(row => row.Node).ToHashSet(StringComparer.Ordinal));
            var replaced = Standing.Privacy.Where(old => fresh.Contains(old.NodeId)).DistinctBy(old => old.NodeId)
                .ToDictionary(old => old.NodeId, StringComparer.Ordinal);
            var kept = Standing.Privacy.Where(old => !fresh.Contains(old.NodeId) && !(old.NodeId.Length == 0 && names.Contains(old.Node)));
            Standing = Standing with
            {
                Privacy = [.. kept, .. rows.Select(row => replaced.TryGetValue(row.NodeId, out var known) ? row.Carrying(known) : row)],
            };
        }

        Look();
    }

    private void Close()
    {
        Round = WeightBound.Apply(Definition, Round) with
        {
            State = RoundState.Aggregating,
            Awaited = [],
            AggregationFailures = 0,
            AggregateAgainAt = null,
        };
        Do(new FederationEffect.Closed());
        Aggregation(running: false);
    }

    private RoundProgress Sample(RoundProgress round) => round with { State = RoundState.Sampling, Awaited = [], SamplingSince = Now };

    private string Failures()
    {
        const int Named = 4;
        var failed = Round.Cohort.Values.Where(entry => entry.Failure.Length > 0).OrderBy(entry => entry.Name, StringComparer.Ordinal)
            .ToList();
        return failed.Count == 0 ? ""
            : $" {string.Join("; ", failed.Take(Named).Select(entry =>
                $"{entry.Name}: {entry.Failure}"))}{(failed.Count > Named ? "; ..." : "")}.";
    }

    private static CohortEntry Forgiven(CohortEntry entry) =>
        entry.Revoked ? entry : entry with { Failure = "", Failures = 0, FailedAt = null };

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
