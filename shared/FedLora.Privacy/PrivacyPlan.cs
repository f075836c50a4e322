using System.Collections.Concurrent;
using FedLora.Privacy.Ledger;

namespace FedLora.Privacy;

/// <summary>
/// What a federation's privacy terms mean at a node, in the papers' terms: epsilon, delta, rounds, steps, batch. Coordinator and node
/// compute the same from it.
/// </summary>
/// <param name="Epsilon">The budget of the whole federation at each node, in nats; 0 where the noise multiplier stands alone.</param>
/// <param name="Delta">The delta that epsilon is stated at.</param>
/// <param name="ClipNorm">C.</param>
/// <param name="NoiseMultiplier">sigma; 0 = the least that keeps all planned steps within epsilon.</param>
/// <param name="SamplingRate">q, the same at every node; 0 = the batch over a count of examples that may be known.</param>
/// <param name="Accountant">By which sigma is calibrated: <c>pld</c>, <c>rdp</c> or <c>prv</c>.</param>
/// <param name="LocalSteps">Steps of one round.</param>
/// <param name="BatchSize">Expected batch: what the noised sum is divided by.</param>
/// <param name="Rounds">Planned rounds.</param>
public sealed record PrivacyPlan(double Epsilon, double Delta, double ClipNorm, double NoiseMultiplier, double SamplingRate,
    string Accountant, int LocalSteps, int BatchSize, int Rounds)
{
    private const int MostRemembered = 1000;

    // The accountant's upper bound strays by up to 4e-5 with the grid it happens to have at hand; the last planned round must fit all the
    // same.
    private const double Margin = 1e-4;

    // Calibrating takes up to seconds, and the same terms are asked for again in every round.
    private static readonly ConcurrentDictionary<(string Accountant, double Epsilon, double Delta, double Rate,
        long Steps), double> Calibrated = new();

    /// <summary>Steps of all planned rounds.</summary>
    public long Steps => (long)LocalSteps * Rounds;

    /// <summary>The limit that the federation itself sets.</summary>
    public PrivacyLimit Limit => new(Epsilon > 0 ? Epsilon : null, Delta);

    /// <summary>
    /// q at a node: as stated, or the batch over the count that the federation file or the site itself states. It never comes from counting
    /// the examples: that would change with one of them.
    /// </summary>
    /// <param name="statedCount">The stated count; null where nobody has stated one.</param>
    /// <exception cref="FedLoraException"><c>privacy-rate-unknown</c>.</exception>
    public double RateFor(long? statedCount)
    {
        if (SamplingRate > 0)
            return SamplingRate;
        if (statedCount is not > 0)
        {
            throw new FedLoraException("privacy-rate-unknown",
                "the sampling rate is not stated: there is neither privacy.sampling_rate nor a count of examples that may be known",
                "State sampling_rate or public_counts in the federation file, or the site's own figure with --public-count.");
        }
        return Math.Min(1, BatchSize / (double)statedCount.Value);
    }

    /// <summary>One round at rate q, its sigma as stated or calibrated.</summary>
    /// <exception cref="FedLoraException"><c>privacy-budget-too-small</c>: no noise keeps the planned steps within epsilon.</exception>
    public SampledGaussian RoundAt(double rate, CancellationToken cancellationToken = default) =>
        new(NoiseMultiplier > 0 ? NoiseMultiplier : CalibratedAt(rate, cancellationToken), rate, LocalSteps);

    /// <summary>What all planned rounds at rate q would spend by themselves, upper bound.</summary>
    public double PlannedEpsilon(double rate, CancellationToken cancellationToken = default) =>
        Accountants.Get(Accountant).Epsilon([RoundAt(rate, cancellationToken) with { Steps = Steps }], Delta, cancellationToken).Epsilon;

    /// <summary>Whether the planned rounds at rate q keep the federation's own epsilon, where both epsilon and sigma are stated.</summary>
    public PlanVerdict Keeps(double rate, CancellationToken cancellationToken = default) =>
        PrivacyBudget.Plan([], RoundAt(rate, cancellationToken), Rounds, Limit, Accountants.Get(Accountant), cancellationToken);

    /// <summary>
    /// Whether one more round keeps the federation's own epsilon after what it has spent at a node. Planned rounds do by calibration; a
    /// round that had to be trained again may not.
    /// </summary>
    public BudgetVerdict Keeps(IReadOnlyList<SampledGaussian> spent, SampledGaussian round, CancellationToken cancellationToken = default)
    {
        var planned = NoiseMultiplier == 0
            && spent.All(run => run.NoiseMultiplier.Equals(round.NoiseMultiplier) && run.SamplingRate.Equals(round.SamplingRate));
        return planned && spent.Sum(run => run.Steps) + round.Steps <= Steps ? new BudgetVerdict(true, 0, "")
            : PrivacyBudget.Fits(spent, round, Limit, Accountants.Get(Accountant), cancellationToken);
    }

    private double CalibratedAt(double rate, CancellationToken cancellationToken)
    {
        if (Calibrated.Count > MostRemembered)
            Calibrated.Clear();
        return Calibrated.GetOrAdd((Accountant, Epsilon, Delta, rate, Steps), static (key, cancellationToken) =>
            Calibration.NoiseMultiplier(Accountants.Get(key.Accountant), key.Epsilon * (1 - Margin), key.Delta, key.Rate, key.Steps,
                cancellationToken: cancellationToken), cancellationToken);
    }
}
