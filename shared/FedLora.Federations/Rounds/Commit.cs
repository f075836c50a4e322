using System.Collections.Immutable;

namespace FedLora.Federations.Rounds;

/// <summary>The end of a round.</summary>
internal static class Commit
{
    public static void Decide(Turn turn, AggregationOutcome outcome)
    {
        var (before, round) = (turn.Standing, turn.Round);
        if (outcome.Round != round.Round || round.State != RoundState.Aggregating
            || before.State is not (FederationState.Running or FederationState.Paused))
            return;
        var summary = Summary(round, outcome, turn.Now);
        turn.Standing = before with
        {
            Adapter = outcome.Adapter,
            Fold = outcome.Folded is { } folded ? [folded] : outcome.Fold is { } fold ? before.Fold.Add(fold) : before.Fold,
            Optimizer = outcome.Optimizer,
            Privacy = [
                .. before.Privacy.Select(
                    row => round.Updates.GetValueOrDefault(row.NodeId)?.Header.Receipt is { } receipt ? row.After(receipt) : row)],
            Recent = before.Recent.Add(summary),
            Round = new() { Round = round.Round + 1, SamplingSince = turn.Now, IsShort = round.IsShort },
        };
        turn.Do(new FederationEffect.Committed(summary, before));
        if (turn.Standing.RoundsDone >= turn.Definition.Rounds)
            turn.EnterState(FederationState.Finished, $"All {turn.Definition.Rounds} rounds are done.");
        if (turn.Standing.Recent.Count >= 2 * FederationStanding.PageSize)
            turn.Do(
                new FederationEffect.WritePage(turn.Standing.Paged / FederationStanding.PageSize,
                    [.. turn.Standing.Recent.Take(FederationStanding.PageSize)]));
        turn.Look();
    }

    public static void DropPage(Turn turn, int page)
    {
        if (page == turn.Standing.Paged / FederationStanding.PageSize && turn.Standing.Recent.Count >= FederationStanding.PageSize)
            turn.Standing = turn.Standing with
            {
                Paged = turn.Standing.Paged + FederationStanding.PageSize,
                Recent = turn.Standing.Recent.RemoveRange(0, FederationStanding.PageSize),
            };
    }

    private static RoundSummary Summary(RoundProgress round, AggregationOutcome outcome, DateTimeOffset now)
    {
        var updates = round.InNodeOrder();
        var told = updates.Where(update => update.Header.Loss is not null).ToList();
        return new()
        {
            Round = round.Round,
            Attempt = round.Attempt,
            Adapter = outcome.Adapter,
            Record = outcome.Record,
            Fold = outcome.Fold,
            Updates = updates.Length,
            Loss = told.Count == 0 ? null
                : told.Sum(update => update.Header.Loss!.Value * update.Weight) / told.Sum(update => (double)update.Weight),
            BytesUp = updates.Sum(update => update.Header.Bytes),
            Quorum = round.Quorum,
            OpenedAt = round.OpenedAt ?? now,
            CommittedAt = now,
            ServerMs = outcome.Milliseconds,
            AggregationError = outcome.AggregationError,
            AggregationStandardError = outcome.AggregationStandardError,
        };
    }
}
