using FedLora.Federations.Cohorts;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Rounds;

/// <summary>What a federation does or waits for, and until when at most.</summary>
public static class Waiting
{
    /// <summary>How often an aggregation is looked after that should have told how it ended.</summary>
    public static readonly TimeSpan AggregationCheck = TimeSpan.FromMinutes(1);

    /// <summary>
    /// When the federation looks again by itself at the latest; null where it waits for an operator, or for nothing any more.
    /// </summary>
    public static DateTimeOffset? Until(FederationStanding standing, DateTimeOffset now)
    {
        var round = standing.Round;
        if (standing.State == FederationState.Running && round.State == RoundState.Open)
            return round.Deadline;
        if (standing.State == FederationState.Running && round.State == RoundState.Sampling)
        {
            var (over, enough) = (round.SamplingSince + standing.Definition.Cohort.SamplingTimeout,
                CohortSampler.EnoughFrom(standing.Definition.Cohort, round));
            var next = now + NodesHere.Window;
            if (over < next)
                next = over;
            return enough > now && enough < next ? enough : next;
        }

        return standing.State is FederationState.Running or FederationState.Paused && round.State == RoundState.Aggregating
            && !Retries.Exhausted(round)
            ? round.AggregateAgainAt ?? now + AggregationCheck
            : null;
    }

    /// <summary>One line for people.</summary>
    /// <param name="here">Nodes that are there and may take part; null where that is not known.</param>
    public static string Says(FederationStanding standing, int? here = null)
    {
        if (standing.State != FederationState.Running)
        {
            return standing.Reason.Length > 0 ? standing.Reason
                : standing.State == FederationState.Created ? "created, not started" : standing.State.ToString().ToLowerInvariant();
        }

        var (round, rules) = (standing.Round, standing.Definition.Cohort);
        var repeat = round.Attempt > round.FirstAttempt
            ? $" (repetition {round.Attempt - round.FirstAttempt} of at most {rules.MaxRepeats})" : "";
        return round.State switch
        {
            RoundState.Sampling =>
                $"round {round.Round}{repeat} waits for {For(rules, round)}, {here ?? 0} "
                    + $"here{(round.Updates.IsEmpty ? "" : $" and {round.Updates.Count} updates in")}; pauses at "
                    + $"{round.SamplingSince + rules.SamplingTimeout:u}.{LeftOut(round)}",
            RoundState.Open =>
                $"round {round.Round}{repeat}: {round.Updates.Count} of {round.Wanted} updates are in ({round.Quorum} "
                    + $"needed)"
                    + (round.IsShort
                        ? $", opened with fewer nodes than {CohortSampler.Needed(rules)} after waiting {Seconds(rules)} for them"
                        : "")
                    + $"; closes at {round.Deadline:u} at the latest",
            _ when round.AggregateAgainAt is { } again =>
                $"round {round.Round}: the aggregation of {round.Updates.Count} updates has failed {round.AggregationFailures} times and "
                    + $"is tried again at {again:u}",
            _ => $"round {round.Round}: aggregating {round.Updates.Count} updates",
        };
    }

    private static string For(CohortSpec rules, RoundProgress round)
    {
        var (needed, least) = (CohortSampler.Needed(rules), CohortSampler.Least(rules));
        return needed == least ? $"{needed} nodes"
            : round.IsShort ? $"{least} nodes"
            : $"{needed} nodes, from {CohortSampler.EnoughFrom(rules, round):u} on for {least} (wait_seconds {rules.Wait.TotalSeconds:0})";
    }

    private static string Seconds(CohortSpec rules) => $"{rules.Wait.TotalSeconds:0} s";

    /// <summary>Who was left out and why, as the end of a sentence; bounded, since it goes into every answer to a poll.</summary>
    public static string LeftOut(RoundProgress round)
    {
        const int Named = 8;
        return round.Excluded.IsEmpty ? ""
            : $" Left out: {string.Join("; ", round.Excluded.Take(Named).Select(node =>
                $"{node.Name}: {node.Reason}"))}{(round.Excluded.Count > Named ? $"; and {round.Excluded.Count - Named} more" : "")}.";
    }
}
