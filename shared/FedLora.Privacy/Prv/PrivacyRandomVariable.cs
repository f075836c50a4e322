using FedLora.Privacy.Numerics;
using FedLora.Privacy.Pld;
using MathNet.Numerics;

namespace FedLora.Privacy.Prv;

/// <summary>The privacy loss Y = log(Q/P)(x), x from Q, of one sampled Gaussian step, cut to [-limit, limit] and normalised.</summary>
internal sealed class PrivacyRandomVariable(double sigma, double rate, double limit)
{
    private readonly LossFunction _loss = new(sigma, rate);

    /// <summary>
    /// Masses at the multiples of <paramref name="mesh"/>, circular with index 0 for loss 0, and the shift that gives the grid the mean of
    /// Y.
    /// </summary>
    public (double[] Masses, double Shift) Discretize(double mesh, int size)
    {
        var masses = new double[size];
        double low = Cdf(-limit), total = Cdf(limit) - low, mean = 0;
        var below = Truncated(-(size / 2) * mesh - mesh / 2);
        for (var i = -(size / 2); i < size / 2; i++)
        {
            var above = Truncated(i * mesh + mesh / 2);
            masses[i & (size - 1)] = above - below;
            mean += (above - below) * i * mesh;
            below = above;
        }
        return (masses, Mean(total) - mean);
        double Truncated(double t) => Math.Clamp((Cdf(t) - low) / total, 0, 1);
    }

    private double Cdf(double t)
    {
        var x = _loss.Place(t);
        if (x < -40 * sigma)
            return 0;
        if (x > 1 + 40 * sigma)
            return 1;
        var root = Math.Sqrt(2) * sigma;
        return 1 - rate / 2 * SpecialFunctions.Erfc((x - 1) / root) - (1 - rate) / 2 * SpecialFunctions.Erfc(x / root);
    }

    private double Mean(double total)
    {
        var low = Math.Max(_loss.Place(-limit), -40 * sigma);
        var high = Math.Min(_loss.Place(limit), 1 + 40 * sigma);
        var panels = GaussLegendre.Panels(high - low, _loss.Scale);
        var half = (high - low) / panels / 2;
        var (nodes, weights) = GaussLegendre.Rule(1, 1);
        double sum = 0;
        for (var i = 0; i < panels; i++)
        {
            for (var n = 0; n < nodes.Length; n++)
            {
                var x = low + (2 * i + 1) * half + half * nodes[n];
                var l = _loss.Loss(x);
                sum += weights[n] * half * Math.Exp(_loss.LogP(x) + l) * l;
            }
        }
        return sum / total;
    }
}
