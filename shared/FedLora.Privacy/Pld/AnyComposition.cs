using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// An interval around the epsilon of any composition in microseconds, for where a grid would take too long or too much memory. Wide where
/// many steps compose, proven everywhere.
/// </summary>
internal static class AnyComposition
{
    /// <summary>
    /// Above, the smallest of four: every step at an equal share of delta, added up (basic composition of the closed form of one step); or
    /// the steps that take the example seen as one; or what variance alone allows; or one large loss, where samplings are rare
    /// (<see cref="RareSampling"/>). Seen as one: with p = 1 - prod (1-q)^T that any does, the outputs are (1-p) P + p R, where R mixes
    /// Gaussians whose means are no farther than mu = sqrt(sum T / sigma^2), so that (P, R) is dominated by the Gaussian pair of mu and
    /// epsilon by log(1 - p + p e^z), z that pair's epsilon at delta / p (<see cref="ClosedForm"/>, one step, with p and mu for q and
    /// 1/sigma). Below: the worst single step, since a composition is no more private than a part of it, or one large loss.
    /// </summary>
    /// <param name="runs">At least one, each with steps and a rate above 0.</param>
    /// <param name="delta">In (0, 1).</param>
    public static (double Low, double High) Epsilon(IReadOnlyList<SampledGaussian> runs, double delta)
    {
        var steps = runs.Sum(run => (double)run.Steps);
        var rare = RareSampling.Epsilon(runs, delta);
        var low = Math.Max(rare.Low, runs.Max(run => ClosedForm.SingleStep(run, delta).Low));
        // Half an ulp in the share, times so many steps, must not make it larger.
        var added = runs.Sum(run => run.Steps * ClosedForm.SingleStep(run, delta / steps * (1 - 1e-12)).High) * (1 + 1e-12);
        var seen = -Elementary.Expm1(SampledGaussian.LogUnseen(runs)) * (1 + 1e-12);
        var mu = Math.Sqrt(runs.Sum(run => run.Steps / run.NoiseMultiplier / run.NoiseMultiplier)) * (1 + 1e-12);
        var together = ClosedForm.SingleStep(mu, Math.Min(1, seen), delta).High;
        double[] bounds = [added, together, rare.High, ByVariance(runs, delta)];
        return (Math.Max(0, low), bounds.Where(bound => !double.IsNaN(bound)).DefaultIfEmpty(double.PositiveInfinity).Min());
    }

    /// <summary>
    /// With R = dQ/dP of all steps together, of mean 1 and variance v under P (1 + v = prod (1 + q^2 (e^(1/sigma^2) - 1))), and a =
    /// e^epsilon - 1: E_P[(R - 1 - a)+] and E_P[(1 - (1 + a) R)+], delta in the two directions, are at most (sqrt(v (1 + a)^2 + a^2) - a) /
    /// 2 (Scarf 1958, "A min-max solution of an inventory problem"). That is delta where v (1 + a)^2 = 4 delta (delta + a). Infinite where
    /// it never is, or squares are beyond double precision.
    /// </summary>
    private static double ByVariance(IReadOnlyList<SampledGaussian> runs, double delta)
    {
        if (!(delta >= RareSampling.Smallest) || runs.Any(run => run.SamplingRate < RareSampling.Smallest))
            return double.PositiveInfinity;
        var v = Elementary.Expm1(runs.Sum(run => run.Steps * Elementary.Log1p(
            run.SamplingRate * run.SamplingRate * Elementary.Expm1(1 / run.NoiseMultiplier / run.NoiseMultiplier)))) * (1 + 1e-12);
        if (v <= 4 * delta * delta)
            return 0;
        if (!(v * (1 - delta) <= delta))
            return double.PositiveInfinity;
        var a = (v - 4 * delta * delta) / (2 * delta - v + 2 * Math.Sqrt(delta * (delta - v * (1 - delta))));
        return a >= 0 ? Elementary.Log1p(a) * (1 + 1e-9) : double.PositiveInfinity;
    }
}
