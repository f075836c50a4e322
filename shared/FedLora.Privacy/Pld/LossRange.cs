using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// The part of the outputs that is resolved. What lies outside has so little mass, even over all steps, that the upper bound can
/// afford to call it an infinite loss and the lower bound to drop it.
/// </summary>
/// <param name="Loss">The loss of one step.</param>
/// <param name="Low">The least x resolved.</param>
/// <param name="High">The greatest x resolved.</param>
/// <param name="Outside">A bound on the mass outside, under P and under Q.</param>
internal sealed record LossRange(LossFunction Loss, double Low, double High, double Outside)
{
    /// <summary>The largest |L| resolved.</summary>
    public double Magnitude { get; } = Math.Max(Math.Abs(Loss.Loss(Low)), Math.Abs(Loss.Loss(High)));

    /// <summary>L(High) - L(Low).</summary>
    public double Width { get; } = Loss.Loss(High) - Loss.Loss(Low);

    /// <summary>Cuts where each tail holds at most <paramref name="mass"/>, by Mills' bound Phi(-t) &lt;= phi(t)/t.</summary>
    public static LossRange Cut(LossFunction loss, double mass)
    {
        var t = Roots.Bisect(1, 100, t => LogMills(t) < Math.Log(mass));
        return new LossRange(loss, -t * loss.Sigma, 1 + t * loss.Sigma, 2 * Math.Exp(LogMills(t)));
    }

    private static double LogMills(double t) => Elementary.LogNormalDensity(t) - Math.Log(t);
}
