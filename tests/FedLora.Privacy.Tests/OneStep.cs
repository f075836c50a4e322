using MathNet.Numerics;

namespace FedLora.Privacy.Tests;

/// <summary>
/// log delta(epsilon) of one sampled Gaussian step by another way than the accountants': with z = log1p(expm1(epsilon)/q) and the normal
/// tail Q(x) = e^(-x^2/2) m(x) / sqrt(2 pi), delta = q (Q(z sigma - 1/(2 sigma)) - e^z Q(z sigma + 1/(2 sigma))) = q phi(z sigma - 1/(2
/// sigma)) (m(z sigma - 1/(2 sigma)) - m(z sigma + 1/(2 sigma))), m Mills' ratio.
/// </summary>
internal static class OneStep
{
    public static double LogDelta(SampledGaussian run, double epsilon)
    {
        var (sigma, q) = (run.NoiseMultiplier, run.SamplingRate);
        if (q == 0)
            return double.NegativeInfinity;
        // For the largest epsilons e^epsilon, or what it is over q, is beyond double: z = epsilon - log q there.
        var z = q == 1 ? epsilon : epsilon - Math.Log(q) > 700 && epsilon > 40 ? epsilon - Math.Log(q) : Log1p(Expm1(epsilon) / q);
        double a = z * sigma - 1 / (2 * sigma), b = z * sigma + 1 / (2 * sigma);
        if (a < -8)
            return Math.Log(q) + Log1p(-Math.Exp(LogTail(-a)) - Math.Exp(z + LogTail(b)));
        var difference = Mills(a) - Mills(b);
        return difference > 0 ? Math.Log(q) - a * a / 2 - 0.91893853320467274178 + Math.Log(difference) : double.NegativeInfinity;
    }

    private static double LogTail(double x) => x > -8 ? -x * x / 2 - 0.91893853320467274178 + Math.Log(Mills(x)) : 0;

    /// <summary>Q(x)/phi(x): by Laplace's continued fraction far out, by erfc else.</summary>
    private static double Mills(double x)
    {
        if (x < 4)
            return SpecialFunctions.Erfc(x / Math.Sqrt(2)) / 2 * Math.Exp(x * x / 2) * Math.Sqrt(2 * Math.PI);
        var fraction = 0.0;
        for (var n = 200; n >= 1; n--)
            fraction = n / (x + fraction);
        return 1 / (x + fraction);
    }

    private static double Expm1(double x) =>
        Math.Abs(x) < 1e-3 ? x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5)))) : Math.Exp(x) - 1;

    private static double Log1p(double x)
    {
        var u = 1 + x;
        return u == 1 ? x : double.IsInfinity(u) ? Math.Log(u) : Math.Log(u) * x / (u - 1);
    }
}
