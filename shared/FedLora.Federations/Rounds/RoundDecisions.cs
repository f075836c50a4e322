using System.Collections.Immutable;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Rounds;

/// <summary>
/// Everything that is decided about a federation's rounds (DESIGN section 5), as a pure function: whoever stores, sends and keeps the time
/// (the coordinator's grain, the simulator) does what the decision says. The same standing, event and time give the same decision.
/// </summary>
public static class RoundDecisions
{
    /// <summary>A federation that was just created.</summary>
    public static FederationStanding Create(FederationDefinition definition, AdapterRef adapter, ImmutableList<NodePrivacy> privacy,
        DateTimeOffset now) =>
            new()
            {
                Definition = definition,
                CreatedAt = now,
                Adapter = adapter,
                Privacy = privacy,
                Round = new() { Round = 1, SamplingSince = now },
            };

    /// <summary>What follows from the event at that time.</summary>
    public static Decision Decide(FederationStanding standing, FederationEvent @event, DateTimeOffset now)
    {
        var turn = new Turn(standing, now);
        turn.SetClockBack();
        switch (@event)
        {
            case FederationEvent.StartAsked:
                turn.Start();
                break;
            case FederationEvent.PauseAsked pause when standing.State == FederationState.Running:
                turn.EnterState(FederationState.Paused, pause.Reason);
                break;
            case FederationEvent.StopAsked stop
                when standing.State is FederationState.Created or FederationState.Running or FederationState.Paused:
                turn.EnterState(FederationState.Stopped, stop.Reason);
                turn.Do(new FederationEffect.CancelAggregation());
                break;
            case FederationEvent.Resumed:
                turn.Look();
                turn.Aggregation(running: false);
                break;
            case FederationEvent.Due due:
                turn.Look();
                turn.Aggregation(due.Aggregating);
                break;
            case FederationEvent.Looked looked:
                Sampling.Decide(turn, looked);
                break;
            case FederationEvent.NodeFailed failed:
                turn.NodeFailed(failed);
                break;
            case FederationEvent.NodeRevoked revoked:
                turn.NodeRevoked(revoked.NodeId);
                break;
            case FederationEvent.UpdateArrived arrived:
                turn.Take(arrived.Header);
                break;
            case FederationEvent.Aggregated aggregated:
                Commit.Decide(turn, aggregated.Outcome);
                break;
            case FederationEvent.AggregationFailed failed:
                turn.AggregationFailed(failed);
                break;
            case FederationEvent.PrivacyWorkedOut worked:
                turn.NotePrivacy(worked.Rows);
                break;
            case FederationEvent.TermsChanged changed:
                turn.Standing = turn.Standing with { Definition = changed.Definition };
                turn.Look();
                break;
            case FederationEvent.PageWritten page:
                Commit.DropPage(turn, page.Page);
                break;
        }

        turn.CloseOrRepeat();
        return turn.End();
    }

    /// <summary>The node's part in the open round, where it has work to do now; null otherwise.</summary>
    public static CohortEntry? TaskOf(FederationStanding standing, string nodeId) =>
        standing is { State: FederationState.Running, Round.State: RoundState.Open } && standing.Round.Awaited.Contains(nodeId)
            ? standing.Round.Cohort[nodeId] : null;

    /// <summary>Why a node's update is not wanted any more; empty where it is: the node works on.</summary>
    public static string NotWanted(FederationStanding standing, string nodeId, int round)
    {
        if (standing.State != FederationState.Running)
            return $"federation '{standing.Name}' is {standing.State.ToString().ToLowerInvariant()}";
        if (round != standing.Round.Round || standing.Round.State is not (RoundState.Open or RoundState.Sampling))
            return $"round {round} is closed";
        if (standing.Round.Updates.ContainsKey(nodeId))
            return "its update is in";
        return standing.Round.Cohort.TryGetValue(nodeId, out var member) && !member.Revoked ? "" : $"round {round} does not have this node";
    }
}
