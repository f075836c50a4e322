using FedLora.Federations.Rounds;

namespace FedLora.Federations.Cohorts;

/// <summary>
/// Whether it pays to look at all nodes again (O(n)) after one of them has said something: where there may be enough now, or an eighth of
/// them has changed since the last look. While n nodes come one by one this makes O(log n) looks, so O(n log n) work; what it delays,
/// <see cref="Decision.Due"/> brings.
/// </summary>
public sealed class LookGate
{
    private const int Share = 8;
    private int _version = -1;
    private (int Round, int Attempt) _inVain;

    public bool Opens(NodesHere here, FederationStanding standing, DateTimeOffset now)
    {
        if (standing is not { State: FederationState.Running, Round: { State: RoundState.Sampling } round } || here.Version == _version)
            return false;
        return ((here.Version - _version) * Share >= here.Count)
            || ((round.Round, round.Attempt) != _inVain && IsEnough(here, standing, now));
    }

    /// <summary>A look has led to this.</summary>
    public void Looked(NodesHere here, FederationStanding after, DateTimeOffset now)
    {
        _version = here.Version;
        if (after.Round.State == RoundState.Sampling && IsEnough(here, after, now))
            _inVain = (after.Round.Round, after.Round.Attempt);
    }

    private static bool IsEnough(NodesHere here, FederationStanding standing, DateTimeOffset now)
    {
        var rules = standing.Definition.Cohort;
        return here.Fit + standing.Round.Updates.Count
            >= (now < CohortSampler.EnoughFrom(rules, standing.Round) ? CohortSampler.Needed(rules) : CohortSampler.Least(rules));
    }
}
