namespace FedLora.Simulations.Audit;

/// <summary>
/// One-sided bounds on the parts of a private step, each wrong by chance once in a hundred thousand audits. An epsilon that is shown stays
/// far below the one that is accounted, even with half the noise; these do not.
/// </summary>
public static class PartBounds
{
    /// <summary>The error of each bound.</summary>
    public const double Error = 1e-5;

    /// <summary>The normal deviate of <see cref="Error"/>.</summary>
    private const double Deviates = 4.265;

    /// <summary>
    /// The most that a standard deviation can be where <paramref name="count"/> squares of independent normal numbers add up to
    /// <paramref name="squares"/>: chi-square's quantile by Wilson and Hilferty (1931).
    /// </summary>
    public static double Deviation(double squares, long count)
    {
        var ninth = 2.0 / (9 * count);
        return Math.Sqrt(squares / (count * Math.Pow(1 - ninth - (Deviates * Math.Sqrt(ninth)), 3)));
    }

    /// <summary>
    /// The least mu with which two worlds of normal scores are mu-GDP apart (Dong, Roth, Su 2019, arXiv 1905.02383; as an audit: Nasr et
    /// al. 2023, arXiv 2302.07956): the means' distance in standard deviations, less what chance may add, whose variance is 2/n +
    /// mu^2/(4n).
    /// </summary>
    /// <param name="with">Scores of trainings that had the canary.</param>
    /// <param name="without">As many scores of those that had not.</param>
    public static double Mu(IReadOnlyList<double> with, IReadOnlyList<double> without)
    {
        double n = Math.Min(with.Count, without.Count), m1 = with.Average(), m0 = without.Average();
        var variance = (with.Sum(x => (x - m1) * (x - m1)) + without.Sum(x => (x - m0) * (x - m0))) / (with.Count + without.Count - 2);
        var mu = Math.Abs(m1 - m0) / Math.Sqrt(variance);
        return Math.Max(0, mu - (Deviates * Math.Sqrt((2 / n) + (mu * mu / (4 * n)))));
    }
}
