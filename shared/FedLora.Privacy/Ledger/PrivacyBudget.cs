namespace FedLora.Privacy.Ledger;

/// <summary>What a data set may spend at most.</summary>
/// <param name="Epsilon">The limit in nats; null = none.</param>
/// <param name="Delta">The delta that epsilon is stated at.</param>
public sealed record PrivacyLimit(double? Epsilon, double Delta);

/// <summary>Whether something fits a budget.</summary>
/// <param name="Fits">Whether it does.</param>
/// <param name="Epsilon">What would be spent afterwards, upper bound.</param>
/// <param name="Reason">Why it does not fit, one line; empty if it does.</param>
public sealed record BudgetVerdict(bool Fits, double Epsilon, string Reason);

/// <summary>Whether the planned rounds of a federation fit a limit, and what would.</summary>
/// <param name="Fits">Whether all do.</param>
/// <param name="Rounds">How many would fit, at most as many as planned.</param>
/// <param name="NoiseMultiplier">With which sigma all would fit; null if with none.</param>
/// <param name="Reason">Both, in one line; empty if all fit.</param>
public sealed record PlanVerdict(bool Fits, long Rounds, double? NoiseMultiplier, string Reason);

/// <summary>The pure questions about budgets that node and coordinator ask: the same answer from the same history.</summary>
public static class PrivacyBudget
{
    /// <summary>Whether one more round fits after what was spent.</summary>
    public static BudgetVerdict Fits(IEnumerable<SampledGaussian> past, SampledGaussian round, PrivacyLimit limit,
        IAccountant? accountant = null, CancellationToken cancellationToken = default)
    {
        var epsilon = (accountant ?? Accountants.Default).Epsilon([.. past, round], limit.Delta, cancellationToken).Epsilon;
        return limit.Epsilon is not { } most || epsilon <= most
            ? new BudgetVerdict(true, epsilon, "")
            : new BudgetVerdict(false, epsilon,
                $"one more round would bring the data set to epsilon {EpsilonText.AtMost(epsilon)} at delta {limit.Delta:0.###e+0}; its "
                    + $"limit is {EpsilonText.AtLeast(most)}");
    }

    /// <summary>
    /// Whether <paramref name="rounds"/> rounds fit after what was spent; if not, how many would, and at which sigma all would.
    /// </summary>
    public static PlanVerdict Plan(IReadOnlyList<SampledGaussian> past, SampledGaussian round, long rounds, PrivacyLimit limit,
        IAccountant? accountant = null,
        CancellationToken cancellationToken = default)
    {
        accountant ??= Accountants.Default;
        if (limit.Epsilon is not { } most
            || accountant.Epsilon([.. past, round with { Steps = round.Steps * rounds }], limit.Delta, cancellationToken).Epsilon <= most)
            return new PlanVerdict(true, rounds, round.NoiseMultiplier, "");
        var fitting = round.Steps == 0 ? 0
            : Calibration.Steps(accountant, most, limit.Delta, round.NoiseMultiplier, round.SamplingRate, past,
                cancellationToken) / round.Steps;
        double? sigma = null;
        try
        {
            sigma = Calibration.NoiseMultiplier(accountant, most, limit.Delta, round.SamplingRate, round.Steps * rounds, past,
                cancellationToken);
        }
        catch (FedLoraException e) when (e.Code == "privacy-budget-too-small")
        {
            // No noise is enough: the verdict says so.
        }
        var remedy = sigma is { } enough ? $"all would with noise multiplier {enough:0.####}" : "no noise is enough for all";
        return new PlanVerdict(false, fitting, sigma,
            $"of {rounds} planned rounds {fitting} fit the limit epsilon {EpsilonText.AtLeast(most)} at delta {limit.Delta:0.###e+0}; "
                + remedy);
    }
}
