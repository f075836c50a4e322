using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// An interval around the epsilon of any composition in microseconds, for where a grid would take too long or too much memory. Wide where
/// many steps compose, proven everywhere.
/// </summary>
internal static class AnyComposition
{
    /// <summary>
    /// Above, the smaller of two: every step at an equal share of delta, added up (basic composition of the closed form of one step); or
    /// the steps that take the example seen as one. With p = 1 - prod (1-q)^T that any does, the outputs are (1-p) P + p R, where R mixes
    /// Gaussians whose means are no farther than mu = sqrt(sum T / sigma^2), so that (P, R) is dominated by the Gaussian pair of mu and
    /// epsilon by log(1 - p + p e^z), z that pair's epsilon at delta / p (<see cref="ClosedForm"/>, one step, with p and mu for q and
    /// 1/sigma). Below: the worst single step, since a composition is no more private than a part of it.
    /// </summary>
    /// <param name="runs">At least one, each with steps and a rate above 0.</param>
    /// <param name="delta">In (0, 1).</param>
    public static (double Low, double High) Epsilon(IReadOnlyList<SampledGaussian> runs, double delta)
    {
        var steps = runs.Sum(run => (double)run.Steps);
        var low = runs.Max(run => ClosedForm.SingleStep(run, delta).Low);
        // Half an ulp in the share, times so many steps, must not make it larger.
        var added = runs.Sum(run => run.Steps * ClosedForm.SingleStep(run, delta / steps * (1 - 1e-12)).High) * (1 + 1e-12);
        var seen = -Elementary.Expm1(SampledGaussian.LogUnseen(runs)) * (1 + 1e-12);
        var mu = Math.Sqrt(runs.Sum(run => run.Steps / run.NoiseMultiplier / run.NoiseMultiplier)) * (1 + 1e-12);
        var together = ClosedForm.SingleStep(mu, Math.Min(1, seen), delta).High;
        return (Math.Max(0, low), double.IsNaN(added) ? together : double.IsNaN(together) ? added : Math.Min(added, together));
    }
}
