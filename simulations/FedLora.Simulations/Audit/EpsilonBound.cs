using MathNet.Numerics.Distributions;

namespace FedLora.Simulations.Audit;

/// <summary>
/// A lower bound on epsilon from observed scores: every test between the two worlds obeys TPR &lt;= e^epsilon FPR + delta, and the same
/// with the worlds exchanged (Jagielski, Ullman, Oprea 2020, arXiv 2006.07709). Rates are bounded by Clopper and Pearson (1934).
/// </summary>
public static class EpsilonBound
{
    private const double Confidence = 0.95;
    private const double PilotShare = 0.2;

    /// <summary>
    /// The bound. The test is chosen on the first fifth of the scores and judged on the rest, so that choosing it costs no confidence.
    /// </summary>
    /// <param name="with">Scores of trainings that had the canary; the larger, the more it shows.</param>
    /// <param name="without">Scores of those that had not.</param>
    /// <param name="delta">What epsilon is stated at.</param>
    public static double Of(IReadOnlyList<double> with, IReadOnlyList<double> without, double delta)
    {
        var (pilotWith, pilotWithout) = ((int)(PilotShare * with.Count), (int)(PilotShare * without.Count));
        var best = (Value: double.NegativeInfinity, Threshold: 0.0, Above: true);
        var thresholds = with.Take(pilotWith).Concat(without.Take(pilotWithout)).Order().ToArray();
        foreach (var threshold in thresholds.Zip(thresholds.Skip(1), (a, b) => (a + b) / 2))
        {
            foreach (var above in new[] { true, false })
            {
                var value = Bound([.. with.Take(pilotWith)], [.. without.Take(pilotWithout)], threshold, above, delta);
                // Among tests that are as good, the one in the widest gap errs least on scores not seen yet.
                if (value > best.Value)
                    best = (value, threshold, above);
            }
        }
        return Math.Max(0, Bound([.. with.Skip(pilotWith)], [.. without.Skip(pilotWithout)], best.Threshold, best.Above, delta));
    }

    /// <summary>
    /// Clopper and Pearson's bounds on a probability of which <paramref name="hits"/> in <paramref name="count"/> were seen; each alone
    /// errs with probability <paramref name="error"/>.
    /// </summary>
    public static (double Low, double High) Rate(int hits, int count, double error) => (
        hits == 0 ? 0 : Beta.InvCDF(hits, count - hits + 1, error),
        hits == count ? 1 : Beta.InvCDF(hits + 1, count - hits, 1 - error));

    // Above: who scores more than the threshold is said to have had the canary; else who scores less is said not to have had it.
    private static double Bound(double[] with, double[] without, double threshold, bool above, double delta)
    {
        var (hits, count, falls, other) = above
            ? (with.Count(score => score > threshold), with.Length, without.Count(score => score > threshold), without.Length)
            : (without.Count(score => score <= threshold), without.Length, with.Count(score => score <= threshold), with.Length);
        const double Error = (1 - Confidence) / 2;
        var least = Rate(hits, count, Error).Low - delta;
        return least <= 0 ? double.NegativeInfinity : Math.Log(least / Rate(falls, other, Error).High);
    }
}
