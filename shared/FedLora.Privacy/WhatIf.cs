using FedLora.Privacy.Ledger;

namespace FedLora.Privacy;

/// <summary>
/// What further rounds would spend, and what would fit: asked before they are run, of the same accountant that is asked when they are.
/// Asking spends nothing.
/// </summary>
/// <param name="Rounds">How many rounds were asked about.</param>
/// <param name="Before">What has been spent.</param>
/// <param name="After">What would be spent after all of them at the noise asked about.</param>
/// <param name="Fits">Whether that is within the limit; true where there is none.</param>
/// <param name="RoundsThatFit">How many rounds fit at that noise; null where there is no limit.</param>
/// <param name="NoiseMultiplier">The least sigma with which all rounds fit; null where there is no limit, or no noise is enough.</param>
public sealed record WhatIf(long Rounds, PrivacyBound Before, PrivacyBound After, bool Fits, long? RoundsThatFit, double? NoiseMultiplier)
{
    /// <summary>Rounds asked about at most.</summary>
    public const int MostRounds = 1_000_000;

    /// <summary>Answers for a data set.</summary>
    /// <param name="past">What it has spent.</param>
    /// <param name="round">One of the further rounds: sigma, q, steps.</param>
    /// <param name="rounds">How many of them, 1 to <see cref="MostRounds"/>.</param>
    /// <param name="limit">The data set's.</param>
    /// <param name="accountant">Null: the default one.</param>
    /// <param name="cancellationToken">Ends the search within about a second.</param>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>.</exception>
    public static WhatIf Ask(IReadOnlyList<SampledGaussian> past, SampledGaussian round, int rounds, PrivacyLimit limit,
        IAccountant? accountant = null, CancellationToken cancellationToken = default)
    {
        round.Validate();
        if (rounds is < 1 or > MostRounds || round.Steps < 1)
            throw new FedLoraException("privacy-invalid", $"{rounds} rounds of {round.Steps} steps were asked about",
                $"Ask about 1 to {MostRounds} rounds of at least one step.");
        accountant ??= Accountants.Default;
        var all = round with { Steps = round.Steps * rounds };
        var before = accountant.Epsilon(past, limit.Delta, cancellationToken);
        var after = accountant.Epsilon([.. past, all], limit.Delta, cancellationToken);
        if (limit.Epsilon is not { } most)
            return new WhatIf(rounds, before, after, true, null, null);
        return new WhatIf(rounds, before, after, after.Epsilon <= most, RoundsWithin(most), Sigma(most));

        long RoundsWithin(double most) => before.Epsilon > most ? 0
            : Calibration.Steps(accountant, most, limit.Delta, round.NoiseMultiplier, round.SamplingRate, past,
                cancellationToken) / round.Steps;

        double? Sigma(double most)
        {
            try
            {
                return Calibration.NoiseMultiplier(accountant, most, limit.Delta, round.SamplingRate, all.Steps, past, cancellationToken);
            }
            catch (FedLoraException error) when (error.Code == "privacy-budget-too-small")
            {
                return null;
            }
        }
    }
}
