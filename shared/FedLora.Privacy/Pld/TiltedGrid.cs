using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// One grid's losses tilted to a probability distribution, p_k = q_k exp(t l_k) / M: what bounds its sums. The masses themselves go to the
/// transform and are not kept.
/// </summary>
internal sealed class TiltedGrid
{
    /// <param name="grid">The grid; its Q is tilted.</param>
    /// <param name="tilt">t.</param>
    /// <param name="up">A further positive tilt, and</param>
    /// <param name="down">a further negative one, whose moments bound the tails of sums.</param>
    /// <param name="buffer">Circular: the masses are added to it, the centre at index 0.</param>
    public TiltedGrid(LossGrid grid, double tilt, double up, double down, double[] buffer)
    {
        var masses = new double[grid.Q.Length];
        var top = double.NegativeInfinity;
        for (var k = 0; k < masses.Length; k++)
        {
            masses[k] = grid.Q[k] > 0 ? Math.Log(grid.Q[k]) + tilt * grid.LossAt(k) : double.NegativeInfinity;
            top = Math.Max(top, masses[k]);
        }
        double sum = 0, weighted = 0;
        for (var k = 0; k < masses.Length; k++)
        {
            masses[k] = Math.Exp(masses[k] - top);
            sum += masses[k];
            weighted += masses[k] * k;
        }
        for (var k = 0; k < masses.Length; k++)
            masses[k] /= sum;
        LogMoment = top + Math.Log(sum);
        Centre = (int)Math.Round(weighted / sum);
        MeanOffset = weighted / sum - Centre;
        CentreLoss = grid.LossAt(Centre);
        LogUp = LogMean(masses, grid.Step, up);
        LogDown = LogMean(masses, grid.Step, down);
        for (var k = 0; k < masses.Length; k++)
            buffer[(int)(((long)k - Centre) & (buffer.Length - 1))] += masses[k];
    }

    /// <summary>log M = log sum_k q_k exp(t l_k).</summary>
    public double LogMoment { get; }

    /// <summary>The index nearest to the mean, which the transform takes for 0.</summary>
    public int Centre { get; }

    /// <summary>The mean's distance from it, in steps.</summary>
    public double MeanOffset { get; }

    /// <summary>The loss there.</summary>
    public double CentreLoss { get; }

    /// <summary>log E[exp(up (l - l_Centre))].</summary>
    public double LogUp { get; }

    /// <summary>log E[exp(down (l - l_Centre))].</summary>
    public double LogDown { get; }

    private double LogMean(double[] masses, double step, double tilt)
    {
        var top = Math.Max(tilt * step * (masses.Length - 1 - Centre), -tilt * step * Centre);
        double sum = 0;
        for (var k = 0; k < masses.Length; k++)
        {
            if (masses[k] > 0)
                sum += masses[k] * (top < 300 ? Elementary.Expm1(tilt * step * (k - Centre)) : Math.Exp(tilt * step * (k - Centre) - top));
        }
        return top < 300 ? Elementary.Log1p(sum) : top + Math.Log(sum);
    }
}
