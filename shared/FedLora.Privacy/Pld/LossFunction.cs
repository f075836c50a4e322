using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// The privacy loss of one sampled Gaussian step, L(x) = log(Q(x)/P(x)) with P = N(0, sigma^2) (the example is not there) and
/// Q = (1-q) N(0, sigma^2) + q N(1, sigma^2) (it is), in units of the clipping norm. L grows with x, from log(1-q) on.
/// </summary>
internal sealed class LossFunction(double sigma, double rate)
{
    private readonly double _logSigma = Math.Log(sigma);

    public double Sigma { get; } = sigma;

    public double Rate { get; } = rate;

    /// <summary>The width within which the densities and the loss are smooth enough for one quadrature panel.</summary>
    public double Scale { get; } = Math.Min(sigma / 2, sigma * sigma);

    /// <summary>L(x).</summary>
    public double Loss(double x)
    {
        var z = (2 * x - 1) / (2 * Sigma * Sigma);
        if (Rate == 1)
            return z;
        // Where q e^z is below 1 the loss is about q e^z, of which z + log(...) would leave nothing.
        if (z > 700)
            return z + Math.Log(Rate + (1 - Rate) * Math.Exp(-z));
        var y = Rate * Elementary.Expm1(z);
        return y > -0.5 ? Elementary.Log1p(y) : Math.Log(1 - Rate + Rate * Math.Exp(z));
    }

    /// <summary>The x with L(x) = loss; minus infinity at and below log(1-q).</summary>
    public double Place(double loss)
    {
        if (Rate == 1)
            return Sigma * Sigma * loss + 0.5;
        double z;
        if (loss > 30)
            z = loss - Math.Log(Rate) + Elementary.Log1p((Rate - 1) * Math.Exp(-loss));
        else
        {
            var y = Elementary.Expm1(loss) / Rate;
            if (y <= -1)
                return double.NegativeInfinity;
            z = double.IsInfinity(y) ? Math.Log(Elementary.Expm1(loss)) - Math.Log(Rate) : Elementary.Log1p(y);
        }
        return Sigma * Sigma * z + 0.5;
    }

    /// <summary>The smallest possible loss: log(1-q), minus infinity where q = 1.</summary>
    public double Least => Rate == 1 ? double.NegativeInfinity : Elementary.Log1p(-Rate);

    /// <summary>log P(x).</summary>
    public double LogP(double x) => Elementary.LogNormalDensity(x / Sigma) - _logSigma;
}
