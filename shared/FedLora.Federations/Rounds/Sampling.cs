using System.Collections.Immutable;
using FedLora.Federations.Cohorts;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Rounds;

/// <summary>Drawing a cohort from the nodes that are there. O(n log n) in their number.</summary>
internal static class Sampling
{
    public static void Decide(Turn turn, FederationEvent.Looked looked)
    {
        if (!turn.IsRunning || turn.Round.State != RoundState.Sampling)
            return;
        var (eligible, excluded, unasked, spent) = Divide(turn, looked);
        if (unasked.Count > 0)
            turn.Do(new FederationEffect.AskBudgets([.. unasked]));
        else
            Draw(turn, eligible, excluded, spent, looked.Enrolled);
    }

    // Where nobody is left out, those who are eligible are the list that came: of many thousands another one would cost more than all else.
    private static (IReadOnlyList<Candidate> Eligible, List<ExcludedNode> Excluded, List<string> Unasked, int Spent) Divide(Turn turn,
        FederationEvent.Looked looked)
    {
        var here = looked.InOrder ? looked.Here : InOrder(looked.Here);
        var (excluded, unasked, spent) = (new List<ExcludedNode>(), new List<string>(), 0);
        var (isPrivate, isFirst) = (turn.Definition.Privacy is not null, turn.Round.Cohort.IsEmpty && turn.Round.Updates.IsEmpty);
        List<Candidate>? eligible = null;
        var (known, place) = (default(NodePresence), -1);
        foreach (var node in here)
        {
            place++;
            // What was said of one holds of the next that says the same of itself.
            if (isFirst && !isPrivate && known is not null && IsLike(known, node.Presence))
            {
                eligible?.Add(node);
                continue;
            }

            var reason = Reason(node);
            if (reason is not "")
            {
                eligible ??= [.. here.Take(place)];
                if (reason is not null)
                    excluded.Add(new() { NodeId = node.Id, Name = node.Presence.Name, Reason = reason });
                continue;
            }

            eligible?.Add(node);
            known = node.Presence;
        }

        return (eligible ?? here, excluded, unasked, spent);

        // Empty where it is eligible; null where there is nothing to say of it.
        string? Reason(Candidate node)
        {
            if (!isFirst && turn.Round.Updates.ContainsKey(node.Id))
                return null;
            var member = isFirst ? null : turn.Round.Cohort.GetValueOrDefault(node.Id);
            // Of whom only reports are known was found eligible when it was sampled.
            if (member is null && node.Presence.Profile is null)
                return null;
            var reason = member is { Revoked: true } ? "revoked" : Eligibility.Refusal(turn.Definition, node.Presence);
            // A node that refuses by itself has looked at its own ledger and policy.
            spent += node.Presence.Refused.Length > 0 && isPrivate ? 1 : 0;
            if (reason.Length == 0 && member is not null && Retries.AgainAt(member, node.Presence.Start, turn.Now) is { } again)
                reason = $"failed in this round: {member.Failure} (asked again from {again:u})";
            if (reason.Length == 0 && isPrivate && !IsAtWork(node, member))
            {
                if (node.Budget is null)
                    unasked.Add(node.Id);
                else
                    (reason, spent) = (node.Budget, spent + (node.Budget.Length > 0 ? 1 : 0));
            }

            return reason;
        }
    }

    private static bool IsLike(NodePresence one, NodePresence other) => ReferenceEquals(one.Profile, other.Profile)
        && other.Refused.Length == 0 && ReferenceEquals(one.Group, other.Group);

    // Whoever looks at the same thousands again and again may keep them in order.
    private static IReadOnlyList<Candidate> InOrder(IReadOnlyList<Candidate> here)
    {
        for (var i = 1; i < here.Count; i++)
        {
            if (string.CompareOrdinal(here[i - 1].Id, here[i].Id) > 0)
                return [.. here.OrderBy(node => node.Id, StringComparer.Ordinal)];
        }

        return here;
    }

    private static void Draw(Turn turn, IReadOnlyList<Candidate> eligible, List<ExcludedNode> excluded, int spent, int? enrolled)
    {
        var (rules, delivered) = (turn.Definition.Cohort, turn.Round.Updates.Count);
        if (!excluded.SequenceEqual(turn.Round.Excluded))
        {
            turn.Do(new FederationEffect.LeftOut([.. excluded.Except(turn.Round.Excluded)]));
            turn.Round = turn.Round with { Excluded = [.. excluded] };
        }

        var (there, least) = (eligible.Count + delivered, CohortSampler.Least(rules));
        var isShort = there < CohortSampler.Needed(rules);
        if (there < least || (isShort && turn.Now < CohortSampler.EnoughFrom(rules, turn.Round)))
        {
            if (spent > 0 && enrolled - spent < least)
                turn.EnterState(FederationState.Paused,
                    $"Round {turn.Round.Round} cannot be had: too few nodes have privacy budget for it.{Waiting.LeftOut(turn.Round)}");
            else if (turn.Now >= turn.Round.SamplingSince + rules.SamplingTimeout && !turn.HasQuorum)
                turn.EnterState(FederationState.Paused,
                    $"Round {turn.Round.Round} waited {rules.SamplingTimeout} for {least} nodes that can take part; {eligible.Count} "
                        + $"could.{Waiting.LeftOut(turn.Round)}");
            return;
        }

        var (wanted, sampled, quorum) = CohortSampler.Sizes(rules, there);
        // Whoever is at work for this round already is kept: its work is paid for.
        IReadOnlyList<Candidate> atWork = turn.Round.Cohort.IsEmpty ? []
            : [.. eligible.Where(node => IsAtWork(node, turn.Round.Cohort.GetValueOrDefault(node.Id)))];
        var kept = atWork.Select(node => node.Id).ToHashSet(StringComparer.Ordinal);
        IReadOnlyList<Candidate> free = kept.Count == 0 ? eligible : [.. eligible.Where(node => !kept.Contains(node.Id))];
        var fresh = CohortSampler.Draw(free, Math.Max(0, sampled - delivered - atWork.Count), turn.Definition.Seed, turn.Round.Round,
            turn.Round.Attempt);
        Candidate[] asked = [.. fresh, .. atWork];
        var members = asked.Select(node => Entry(turn, node));
        turn.Round = turn.Round with
        {
            State = RoundState.Open,
            Cohort = turn.Round.Cohort.SetItems(members.Select(member => KeyValuePair.Create(member.NodeId, member))),
            Awaited = [.. asked.Select(node => node.Id)],
            Wanted = wanted,
            Quorum = quorum,
            OpenedAt = turn.Now,
            Deadline = turn.Now + rules.Deadline,
            IsShort = isShort,
        };
        turn.Do(new FederationEffect.Opened([.. fresh.Select(node => node.Id)]));
    }

    private static bool IsAtWork(Candidate node, CohortEntry? member) => node.Working && member is { Failure.Length: 0, Revoked: false };

    private static CohortEntry Entry(Turn turn, Candidate node)
    {
        var presence = node.Presence;
        return (turn.Round.Cohort.GetValueOrDefault(node.Id) ?? new()
        {
            NodeId = node.Id,
            Name = presence.Name,
            Group = presence.Group,
            Rank = turn.Definition.RankOf(presence.Group),
            Attempt = turn.Round.Attempt,
        }) with
        { Attempt = turn.Round.Attempt, Start = presence.Start, Failure = "" };
    }
}
