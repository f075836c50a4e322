namespace FedLora.Privacy.Pld;

/// <summary>
/// The cumulant function of one step's loss, kappa(t) = log E[exp(t L)], by the trapezoid rule, whose error falls exponentially for such
/// integrands. It only steers (grid, tilt, window); no bound rests on it.
/// </summary>
internal sealed class Cumulants
{
    private readonly double[] _losses;
    private readonly double[] _logWeights;

    /// <param name="range">The loss and where it matters.</param>
    /// <param name="reverse">False: L under Q, the example being there. True: -L under P.</param>
    public Cumulants(LossRange range, bool reverse)
    {
        var loss = range.Loss;
        var step = Math.Min(loss.Sigma / 4, loss.Sigma * loss.Sigma / 2);
        var count = (int)Math.Ceiling((range.High - range.Low) / step) + 1;
        (_losses, _logWeights) = (new double[count], new double[count]);
        for (var i = 0; i < count; i++)
        {
            var x = range.Low + i * step;
            var l = loss.Loss(x);
            _losses[i] = reverse ? -l : l;
            _logWeights[i] = loss.LogP(x) + Math.Log(step) + (reverse ? 0 : l);
        }
    }

    /// <summary>About how many points a mechanism takes, for the widest range there is.</summary>
    public static double Count(double sigma) => (1 + 80 * sigma) / Math.Min(sigma / 4, sigma * sigma / 2);

    /// <summary>kappa(t), its first and its second derivative: the mean and the variance of the loss tilted by exp(t L).</summary>
    public (double Value, double Mean, double Variance) At(double tilt)
    {
        var top = double.NegativeInfinity;
        for (var i = 0; i < _losses.Length; i++)
            top = Math.Max(top, _logWeights[i] + tilt * _losses[i]);
        double mass = 0, mean = 0;
        for (var i = 0; i < _losses.Length; i++)
        {
            var weight = Math.Exp(_logWeights[i] + tilt * _losses[i] - top);
            mass += weight;
            mean += weight * _losses[i];
        }
        mean /= mass;
        double variance = 0;
        for (var i = 0; i < _losses.Length; i++)
            variance += Math.Exp(_logWeights[i] + tilt * _losses[i] - top) * (_losses[i] - mean) * (_losses[i] - mean);
        return (top + Math.Log(mass), mean, variance / mass);
    }
}
