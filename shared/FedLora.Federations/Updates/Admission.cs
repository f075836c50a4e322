using FedLora.Federations.Rounds;

namespace FedLora.Federations.Updates;

/// <summary>Whether an update is wanted now.</summary>
/// <param name="Refusal">Why not; null where it is.</param>
/// <param name="Member">The sampled node that sends it; null where refused.</param>
/// <param name="AlreadyStored">This very update is in: acknowledge it again.</param>
public sealed record Admission(Refusal? Refusal, CohortEntry? Member, bool AlreadyStored)
{
    /// <summary>
    /// Largest count of examples that a node may state: 10^12, more than any site has; what one node states must not drown all others' by a
    /// slip.
    /// </summary>
    public const long MostExamples = 1_000_000_000_000;

    /// <summary>
    /// Asked when an upload begins and again when its bytes are checked. Late is not too late: any node that was sampled for this round, in
    /// whichever attempt, may deliver until it is aggregated.
    /// </summary>
    public static Admission Of(FederationStanding standing, UpdateHeader header)
    {
        var (name, round) = (standing.Name, standing.Round);
        if (header.Round < 1 || header.Round > standing.RoundsDone + 1)
            return No(RefusalCodes.RoundUnknown,
                $"Federation '{name}' has no round {header.Round}; it is in round {standing.RoundsDone + 1}.", "Ask for a task.");
        if (header.Round <= standing.RoundsDone)
            return No(RefusalCodes.RoundClosed, $"Round {header.Round} of '{name}' is closed.", "Drop the update and ask for a task.");
        if (!round.Cohort.TryGetValue(header.NodeId, out var member))
            return No(RefusalCodes.NotInCohort, $"Node '{header.NodeId}' is not in the cohort of round {header.Round} of '{name}'.",
                "Drop the update and ask for a task.");
        if (member.Revoked)
            return No(RefusalCodes.NodeRevoked, $"Node '{member.Name}' has been revoked.", "Ask the operator of the coordinator.");
        if (round.Updates.TryGetValue(header.NodeId, out var known))
        {
            return known.Header.Sha256 == header.Sha256 ? new(null, member, true)
                : No(RefusalCodes.UpdateConflict,
                    $"Node '{header.NodeId}' has already delivered another update for round {header.Round} of '{name}'.",
                    "The first one counts; drop this one.");
        }

        if (standing.State != FederationState.Running || round.State is not (RoundState.Open or RoundState.Sampling))
            return No(RefusalCodes.RoundClosed, $"Round {header.Round} of '{name}' takes no updates now: {Waiting.Says(standing)}.",
                "Drop the update and ask for a task.");
        return Check(standing, header, member) is { } refusal ? new(refusal, null, false) : new(null, member, false);
    }

    private static Refusal? Check(FederationStanding standing, UpdateHeader header, CohortEntry member)
    {
        var max = UpdateSize.Max(standing.Definition, header.Round, member.Rank);
        if (header.Bytes < 1 || header.Bytes > max)
            return new(RefusalCodes.UpdateSize,
                $"The update of node '{header.NodeId}' has {header.Bytes} bytes; round {header.Round} of '{standing.Name}' takes 1 to "
                    + $"{max}.", "Use the rank and the modules that the federation states.");
        if (standing.Definition.Privacy is null && header.ExampleCount is < 1 or > MostExamples)
            return new(RefusalCodes.UpdateExamples, $"The update of node '{header.NodeId}' states {header.ExampleCount} examples.",
                $"An update is trained on 1 to {MostExamples} examples.");
        return ReceiptCheck.Check(standing, header, standing.Privacy.Find(row => row.NodeId == header.NodeId));
    }

    private static Admission No(string code, string message, string hint) => new(new(code, message, hint), null, false);
}
