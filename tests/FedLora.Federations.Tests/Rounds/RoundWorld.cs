using System.Text.Json;
using FedLora.Federations.Cohorts;
using FedLora.Federations.Rounds;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Tests.Rounds;

/// <summary>
/// A coordinator, its store, its clock, some nodes and an operator, as small as they can be: it does what the decisions say, one random
/// thing after another happens to it, and after every one of them it is checked that nothing acknowledged is lost and that it waits for
/// nothing without an end. The same seed gives the same history.
/// </summary>
internal sealed class RoundWorld
{
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(15);
    private readonly Random _random;
    private readonly WorldNode[] _nodes;
    private readonly HashSet<(int Round, string Node, string Sha)> _acknowledged = [];
    private NodesHere _here;
    private LookGate _gate = new();
    private FederationStanding _stored;
    private FederationStanding _standing;
    private bool _aggregating;
    private Decision _last;
    private int _firstPage;

    public RoundWorld(int seed, bool faults = true)
    {
        _random = new(seed);
        Faults = faults;
        _nodes = [.. Enumerable.Range(0, _random.Next(1, 7)).Select(i => new WorldNode($"n{i}"))];
        _stored = _standing = RoundDecisions.Create(WorldDefinition.Random(_random), Adapter("first"), [], Now);
        _here = new(presence => Eligibility.Refusal(_standing.Definition, presence));
        _last = RoundDecisions.Decide(_standing, new FederationEvent.Resumed(), Now);
    }

    public DateTimeOffset Now { get; private set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Whether the store, the aggregation and the process may fail.</summary>
    public bool Faults { get; set; }

    public FederationStanding Standing => _standing;

    public int Events { get; private set; }

    /// <summary>One random thing happens.</summary>
    public void Step()
    {
        var node = _nodes[_random.Next(_nodes.Length)];
        switch (_random.Next(24))
        {
            case 0 or 1 or 2 or 3 or 4:
                Poll(node);
                break;
            case 5 or 6 or 7 or 8:
                Deliver(node);
                break;
            case 9:
                Report(node);
                break;
            case 10:
                Send(new FederationEvent.NodeFailed(node.Id, _standing.Round.Round - _random.Next(2), "disk full"));
                break;
            case 11 when _random.Next(30) == 0 && _nodes.Count(other => !other.Revoked) > 1:
                Revoke(node);
                break;
            case 12 or 13 or 14:
                EndAggregation();
                break;
            case 15 when _random.Next(4) == 0:
                Send(new FederationEvent.PauseAsked("maintenance"));
                break;
            case 16 or 17:
                Send(new FederationEvent.StartAsked());
                break;
            case 18 when _random.Next(200) == 0:
                Send(new FederationEvent.StopAsked("enough"));
                break;
            case 19:
                Crash();
                break;
            case 20:
                Turn(TimeSpan.FromSeconds(_random.Next(-7200, 90_000)));
                break;
            case 21 or 22 when _last.Due is { } due:
                Turn(due - Now);
                Send(new FederationEvent.Due(_aggregating));
                break;
            default:
                Turn(TimeSpan.FromSeconds(_random.Next(100)));
                Send(new FederationEvent.Due(_aggregating));
                break;
        }
    }

    /// <summary>
    /// Nobody is there any more; only time passes and what is begun ends. Returns the number of looks until it waits for nothing but an
    /// operator.
    /// </summary>
    public int LeaveAlone(int most)
    {
        for (var looks = 0; looks < most; looks++)
        {
            if (_standing.State is not (FederationState.Running or FederationState.Paused) || _last.Due is null)
                return looks;
            Turn(_last.Due.Value - Now);
            Send(new FederationEvent.Due(_aggregating));
            EndAggregation();
        }

        return most;
    }

    /// <summary>All faults are over, the operator starts it, every node works: whether it ends within so many rounds of polls.</summary>
    public bool Recovers(int most)
    {
        Faults = false;
        Send(new FederationEvent.StartAsked());
        // It may have been about to give up when they ended: then it is started once more.
        var starts = 1;
        for (var pass = 0; pass < most && _standing.State is FederationState.Running or FederationState.Paused; pass++)
        {
            if (_standing.State == FederationState.Paused && starts-- > 0)
                Send(new FederationEvent.StartAsked());
            foreach (var node in _nodes.Where(node => !node.Revoked))
            {
                node.Reset();
                Poll(node);
                Deliver(node);
            }

            EndAggregation();
            Turn(TimeSpan.FromSeconds(20));
            Send(new FederationEvent.Due(_aggregating));
        }

        return _standing.State == FederationState.Finished;
    }

    /// <summary>Whether enough nodes are left for any round.</summary>
    public bool CanRecover => _standing.State is not (FederationState.Stopped or FederationState.Finished)
        && _nodes.Count(node => !node.Revoked) >= CohortSampler.Least(_standing.Definition.Cohort);

    private void Poll(WorldNode node)
    {
        if (node.Revoked)
            return;
        if (_here.Note(node.Presence(_random), Now) && _gate.Opens(_here, _standing, Now))
            Look();
        if (RoundDecisions.TaskOf(_standing, node.Id) is not null)
            node.Begin(_standing.Round.Round);
    }

    private void Report(WorldNode node)
    {
        if (!node.Revoked && node.Training && RoundDecisions.NotWanted(_standing, node.Id, node.Round).Length == 0)
            _here.Heard(new() { NodeId = node.Id, Name = node.Id, Group = "" }, node.Round, Now);
    }

    private void Deliver(WorldNode node)
    {
        if (!node.Training)
            return;
        // Now and then another update than the one it sent before, or one that nobody asked for.
        var header = node.Header(_random.Next(10) == 0 && Faults ? "other" : "own", _random.Next(20) == 0 && Faults ? 1 : 0,
            _random.Next(8) == 0 ? Admission.MostExamples : _random.Next(1, 100));
        Send(new FederationEvent.UpdateArrived(header));
        // Sent, but the acknowledgement may be lost: then it sends the same again.
        if (_random.Next(4) > 0)
            node.Sent();
    }

    private void Revoke(WorldNode node)
    {
        node.Revoked = true;
        _here.Remove(node.Id);
        Send(new FederationEvent.NodeRevoked(node.Id));
    }

    private void EndAggregation()
    {
        if (!_aggregating)
            return;
        _aggregating = false;
        var round = _standing.Round.Round;
        if (Faults && _random.Next(3) == 0)
            Send(new FederationEvent.AggregationFailed(round, "no space left", Passing: _random.Next(4) > 0));
        else
            Send(new FederationEvent.Aggregated(new() { Round = round, Adapter = Adapter($"after {round}"), Record = $"record {round}" }));
    }

    private void Crash()
    {
        _standing = _stored;
        _here = new(presence => Eligibility.Refusal(_standing.Definition, presence));
        _gate = new();
        _aggregating = false;
        foreach (var node in _nodes)
            node.Asked = false;
        Send(new FederationEvent.Resumed());
    }

    private void Turn(TimeSpan by) => Now += by;

    private void Look()
    {
        Send(new FederationEvent.Looked([.. _here.At(Now, _standing.Round.Round).Select(seen => seen.Candidate)], _nodes.Length));
        _gate.Looked(_here, _standing, Now);
    }

    private void Send(FederationEvent @event)
    {
        Events++;
        var before = _standing;
        var decision = RoundDecisions.Decide(before, @event, Now);
        // Every eighth, and written and read again so too: most of the time is spent on the text.
        var isLookedAt = Events % 8 == 0;
        if (isLookedAt)
            RequireSame(decision, RoundDecisions.Decide(before, @event, Now));
        if (!ReferenceEquals(decision.Standing, before))
        {
            // The write fails, or the process dies of it or after it: nobody hears of the decision.
            var fate = Faults ? _random.Next(40) : 39;
            if (fate > 0)
                _stored = isLookedAt || fate < 2 ? Reread(decision.Standing) : decision.Standing;
            if (fate < 2)
            {
                Crash();
                return;
            }
        }

        (_standing, _last) = (decision.Standing, decision);
        Check(before, decision);
        foreach (var effect in decision.Effects)
            Do(effect);
    }

    private void Do(FederationEffect effect)
    {
        switch (effect)
        {
            case FederationEffect.LookAtNodes:
                Look();
                break;
            case FederationEffect.AskBudgets ask:
                foreach (var id in ask.NodeIds)
                    _here.Answer(id, Faults && _random.Next(4) == 0 ? "spent" : "");
                Look();
                break;
            case FederationEffect.Aggregate:
                _aggregating = true;
                break;
            case FederationEffect.CancelAggregation:
                _aggregating = false;
                break;
            case FederationEffect.Acknowledge acknowledge:
                var header = acknowledge.Update.Header;
                Assert.Equal(header.Sha256, _stored.Round.Updates[header.NodeId].Header.Sha256);
                _acknowledged.Add((header.Round, header.NodeId, header.Sha256));
                break;
            case FederationEffect.Committed committed:
                foreach (var (_, node, sha) in _acknowledged.Where(known => known.Round == committed.Summary.Round))
                    Assert.Equal(sha, committed.Before.Round.Updates[node].Header.Sha256);
                _here.ForgetBudgets();
                break;
            case FederationEffect.WritePage page when !Faults || _random.Next(3) > 0:
                Assert.Equal((page.Page * FederationStanding.PageSize) + 1, page.Rounds[0].Round);
                Assert.InRange(page.Page, 0, _firstPage);
                _firstPage = page.Page + 1;
                Send(new FederationEvent.PageWritten(page.Page));
                break;
        }
    }

    private void Check(FederationStanding before, Decision decision)
    {
        var after = decision.Standing;
        Assert.Equal(after.RoundsDone + 1, after.Round.Round);
        Assert.InRange(after.RoundsDone, before.RoundsDone, before.RoundsDone + 1);
        Assert.InRange(after.Recent.Count, 0, 4 * FederationStanding.PageSize);
        foreach (var (_, node, sha) in _acknowledged.Where(known => known.Round == after.Round.Round))
            Assert.Equal(sha, after.Round.Updates[node].Header.Sha256);
        Assert.InRange(after.Round.Attempt - after.Round.FirstAttempt, 0, after.Definition.Cohort.MaxRepeats);
        if (after.Round.State == RoundState.Aggregating)
            Assert.All(after.Round.Updates.Values,
                update => Assert.InRange(update.Weight, 1, WeightBound.Of(after.Definition, after.Round)));
        Assert.DoesNotContain(after.Round.Awaited,
            id => after.Round.Updates.ContainsKey(id) || after.Round.Cohort[id].Revoked || after.Round.Cohort[id].Failure.Length > 0);
        if (after is { State: FederationState.Running, Round.State: RoundState.Open })
            Assert.InRange(after.Round.Quorum, 1,
                after.Round.Updates.Count + after.Round.Awaited.Count + after.Round.Cohort.Values.Count(entry => entry.Failure.Length > 0));
        // It waits for an operator and says so, or for a time that is not far.
        if (after.State == FederationState.Running
            || (after.State == FederationState.Paused && after.Round.State == RoundState.Aggregating && !Retries.Exhausted(after.Round)))
        {
            var rules = after.Definition.Cohort;
            Assert.NotNull(decision.Due);
            Assert.True(decision.Due <= Now + Max(rules.Deadline, rules.SamplingTimeout, LongestRetry),
                $"it waits from {Now:u} until {decision.Due:u}");
        }
        else
        {
            Assert.Null(decision.Due);
        }

        Assert.NotEmpty(Waiting.Says(after));
    }

    private static TimeSpan Max(params TimeSpan[] spans) => spans.Max();

    private static void RequireSame(Decision one, Decision other)
    {
        Assert.Equal(JsonSerializer.Serialize(one.Standing), JsonSerializer.Serialize(other.Standing));
        Assert.Equal(one.Due, other.Due);
        Assert.Equal(one.Effects.Select(Text), other.Effects.Select(Text));
    }

    private static string Text(FederationEffect effect) => JsonSerializer.Serialize(effect, effect.GetType());

    private static FederationStanding Reread(FederationStanding standing) =>
        JsonSerializer.Deserialize<FederationStanding>(JsonSerializer.Serialize(standing))!;

    private static AdapterRef Adapter(string name) => new() { Sha256 = name, Bytes = 1 };
}
