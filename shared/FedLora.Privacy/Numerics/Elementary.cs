using MathNet.Numerics;

namespace FedLora.Privacy.Numerics;

/// <summary>
/// Elementary functions that keep their relative accuracy where the textbook form cancels. All are good to a few units in the last place.
/// </summary>
internal static class Elementary
{
    /// <summary>Half the distance from 1 to the next double: the relative error of one rounded operation.</summary>
    public const double UnitRoundoff = 1.1102230246251565e-16;

    private const double LogSqrtTwoPi = 0.91893853320467274178;

    /// <summary>e^x - 1.</summary>
    public static double Expm1(double x)
    {
        if (Math.Abs(x) < 1e-4)
            return x * (1 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24))));
        if (Math.Abs(x) < 0.02)
            return x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7))))));
        var e = Math.Exp(x);
        // Kahan: the rounding error of e cancels in (e - 1) / log e. Far out there is nothing to cancel.
        return x is > -1 and < 1 ? (e - 1) * x / Math.Log(e) : e - 1;
    }

    /// <summary>log(1 + x), x > -1.</summary>
    public static double Log1p(double x)
    {
        var u = 1 + x;
        return u == 1 ? x : double.IsInfinity(u) ? Math.Log(u) : Math.Log(u) * x / (u - 1);
    }

    /// <summary>log(e^a + e^b).</summary>
    public static double LogAdd(double a, double b)
    {
        var (high, low) = a > b ? (a, b) : (b, a);
        return double.IsNegativeInfinity(high) ? high : high + Log1p(Math.Exp(low - high));
    }

    /// <summary>log of the standard normal density.</summary>
    public static double LogNormalDensity(double x) => -x * x / 2 - LogSqrtTwoPi;

    /// <summary>e^(x^2) erfc(x), without overflow or underflow for x >= -26.</summary>
    public static double ScaledErfc(double x)
    {
        if (x < 6)
            return Math.Exp(x * x) * SpecialFunctions.Erfc(x);
        // The asymptotic series; its smallest term at x = 6 is below 1e-16.
        double term = 1, sum = 1;
        for (var n = 1; n < 60; n++)
        {
            var next = -term * (2 * n - 1) / (2 * x * x);
            if (Math.Abs(next) >= Math.Abs(term) || Math.Abs(next) < 1e-18)
                break;
            sum += term = next;
        }
        return sum / (x * Math.Sqrt(Math.PI));
    }

    /// <summary>log of the standard normal distribution function, also in the far tail.</summary>
    public static double LogNormalCdf(double x) => x > 0
        ? Log1p(-SpecialFunctions.Erfc(x / Math.Sqrt(2)) / 2)
        : Math.Log(ScaledErfc(-x / Math.Sqrt(2)) / 2) - x * x / 2;
}
