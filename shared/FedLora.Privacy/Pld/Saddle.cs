using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// A first estimate of one direction's epsilon: the sum of losses, tilted by exp(t L) so that its mean is epsilon, taken as normal.
/// It says which tilt, grid and window the exact computation needs; no bound rests on it.
/// </summary>
/// <param name="Tilt">t, positive: delta falls about like exp(-t epsilon).</param>
/// <param name="Epsilon">The estimate, in nats; may be negative.</param>
/// <param name="Deviation">The standard deviation of the tilted sum of losses.</param>
internal sealed record Saddle(double Tilt, double Epsilon, double Deviation)
{
    /// <summary>The estimate for a composition at <paramref name="delta"/>.</summary>
    public static Saddle Find(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, double delta)
    {
        var logDelta = Math.Log(delta);
        // Tilting moves the mean of the losses; somewhere it has moved so far that delta is right.
        var tilt = Math.Exp(Roots.Bisect(Math.Log(1e-9), Math.Log(1e12), s => At(parts, Math.Exp(s)).LogDelta < logDelta, 1e-6));
        var (_, epsilon, deviation) = At(parts, tilt);
        // A tilt far below one over the deviation changes nothing; this keeps the sums over the tail well conditioned.
        return new Saddle(Math.Max(tilt, 0.05 / deviation), epsilon, deviation);
    }

    /// <summary>
    /// The tilt that brings the mean to a given epsilon: right for the rare large losses of few steps, where the sum is far from normal.
    /// </summary>
    public static Saddle Toward(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, double epsilon)
    {
        var tilt = Math.Exp(Roots.Bisect(Math.Log(1e-9), Math.Log(1e12), s => Sum(parts, Math.Exp(s)).Mean > epsilon, 1e-9));
        var deviation = Math.Sqrt(Sum(parts, tilt).Variance);
        return new Saddle(Math.Max(tilt, 0.05 / deviation), epsilon, deviation);
    }

    /// <summary>
    /// Chernoff: how far to one side of its mean the tilted sum of losses stays, but for a mass of exp(-<paramref name="exponent"/>), and
    /// the further tilt that shows it.
    /// </summary>
    public (double Distance, double Tilt) Reach(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, int side, double exponent)
    {
        var (at, mean, _) = Sum(parts, Tilt);
        var best = (Distance: double.PositiveInfinity, Tilt: 0.0);
        for (var power = -12; power <= 20; power++)
        {
            var more = side * Math.Pow(2, power / 2.0) / Deviation;
            var distance = (Sum(parts, Tilt + more).Value - at - more * mean + exponent) / Math.Abs(more);
            if (distance < best.Distance)
                best = (distance, more);
        }
        return best;
    }

    private static (double LogDelta, double Epsilon, double Deviation) At(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, double tilt)
    {
        var (value, mean, variance) = Sum(parts, tilt);
        var deviation = Math.Sqrt(variance);
        // E[exp(-t y) (1 - exp(-y)); y > 0] for y normal around 0.
        var tail = (Elementary.ScaledErfc(tilt * deviation / Math.Sqrt(2)) - Elementary.ScaledErfc((tilt + 1) * deviation / Math.Sqrt(2)))
            / 2;
        return (value - tilt * mean + Math.Log(Math.Max(tail, 1e-300)), mean, deviation);
    }

    private static (double Value, double Mean, double Variance) Sum(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, double tilt)
    {
        double value = 0, mean = 0, variance = 0;
        foreach (var (kappa, steps) in parts)
        {
            var (v, m, w) = kappa.At(tilt);
            (value, mean, variance) = (value + steps * v, mean + steps * m, variance + steps * w);
        }
        return (value, mean, variance);
    }
}
