using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>Epsilons that need no grid.</summary>
internal static class ClosedForm
{
    /// <summary>
    /// The Gaussian mechanism with sensitivity over noise <paramref name="mu"/>: delta = Phi(mu/2 - epsilon/mu) - e^epsilon Phi(-mu/2 -
    /// epsilon/mu) (Balle and Wang 2018, arXiv 1805.06530, theorem 8). Without subsampling, steps compose to mu^2 = sum of 1/sigma^2.
    /// </summary>
    public static (double Low, double High) Gaussian(double mu, double delta)
    {
        var (low, high) = Solve(mu, delta);
        return (Math.Max(0, low), Math.Max(0, high));
    }

    /// <summary>
    /// One sampled step: its likelihood ratio is 1 - q + q e^z where e^z is the unsampled one's, so delta(epsilon) = q delta_Gauss(z) with
    /// epsilon = log(1 - q + q e^z). Removing the example is the worse direction (Zhu, Dong, Wang 2022, arXiv 2106.08567, proposition 30).
    /// </summary>
    public static (double Low, double High) SingleStep(SampledGaussian step, double delta) =>
        SingleStep(1 / step.NoiseMultiplier, step.SamplingRate, delta);

    /// <summary>The same in terms of sensitivity over noise <paramref name="mu"/>.</summary>
    public static (double Low, double High) SingleStep(double mu, double q, double delta)
    {
        if (delta >= q)
            return (0, 0);
        var (low, high) = Solve(mu, delta / q);
        return (Sampled(low, q) * (1 - 1e-12), Sampled(high, q) * (1 + 1e-12));
    }

    private static double Sampled(double z, double q) => z > 700
        ? z + Math.Log(q + (1 - q) * Math.Exp(-z))
        : Math.Max(0, Elementary.Log1p(q * Elementary.Expm1(z)));

    private static (double Low, double High) Solve(double mu, double delta)
    {
        // What the evaluation below may err by, relative to delta: the two terms cancel down to about mu of their size.
        var error = 1e-13 * (10 + 1 / mu);
        var far = mu * mu / 2 + mu * 60 + 60;
        return (Root(Math.Log(delta) + error) - 1e-14 * far,
            delta < 1e-300 ? double.PositiveInfinity : Root(Math.Log(delta) - error) + 1e-14 * far);
        double Root(double target) => Roots.Bisect(-far, far, z => LogDelta(z, mu) < target);
    }

    private static double LogDelta(double z, double mu)
    {
        double a = mu / 2 - z / mu, b = a - mu;
        if (a < 4)
        {
            var difference = Elementary.ScaledErfc(-a / Math.Sqrt(2)) - Elementary.ScaledErfc(-b / Math.Sqrt(2));
            return Math.Log(Math.Max(difference, 0) / 2) - a * a / 2;
        }
        return Math.Log(Math.Max(0, Math.Exp(Elementary.LogNormalCdf(a)) - Math.Exp(z + Elementary.LogNormalCdf(b))));
    }
}
