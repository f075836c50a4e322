using FedLora.Privacy.Numerics;
using FedLora.Privacy.Pld;

namespace FedLora.Privacy.Rdp;

/// <summary>
/// The Renyi divergence of one sampled Gaussian step (Mironov, Talwar, Zhang 2019, arXiv 1908.10530, section 3.3): RDP(a) = log A_a / (a -
/// 1), A_a = E_P[(Q/P)^a], in nats, for any order a > 1, whole or not.
/// </summary>
/// <remarks>
/// The paper's series for fractional orders alternates and cancels: where RDP is 1e-9 nothing is left of it in double precision. With
/// y = Q/P - 1, of mean 0 under P, A_a - 1 = E_P[(1+y)^a - 1 - a y] is the integral of something positive and smooth, and the trapezoid
/// rule gives all its digits: its error falls like exp(-2 pi d / step) with d = pi sigma^2 the distance of the nearest singularity.
/// </remarks>
internal static class RenyiDivergence
{
    private const double Reach = 13;

    /// <summary>RDP at order <paramref name="order"/> &gt; 1 of one step.</summary>
    public static double Of(double sigma, double rate, double order)
    {
        if (rate == 0)
            return 0;
        if (rate == 1)
            return order / (2 * sigma * sigma);
        var loss = new LossFunction(sigma, rate);
        return Of(order, Step(sigma), (long)Points(sigma, rate, order), i => At(loss, i));
    }

    /// <summary>The same at several orders, which share their points.</summary>
    public static double[] Of(double sigma, double rate, IReadOnlyList<double> orders, CancellationToken cancellationToken)
    {
        if (rate is 0 or 1)
            return [.. orders.Select(order => Of(sigma, rate, order))];
        var loss = new LossFunction(sigma, rate);
        var points = new (double LogP, double Loss)[(long)Points(sigma, rate, orders.Max()) + 1];
        for (var i = 0; i < points.Length; i++)
            points[i] = At(loss, i);
        return [.. orders.AsParallel().AsOrdered().WithCancellation(cancellationToken)
            .Select(order => Of(order, Step(sigma), (long)Points(sigma, rate, order), i => points[i]))];
    }

    private static (double LogP, double Loss) At(LossFunction loss, long i)
    {
        var x = -Reach * loss.Sigma + i * Step(loss.Sigma);
        return (loss.LogP(x), loss.Loss(x));
    }

    private static double Of(double order, double step, long count, Func<long, (double LogP, double Loss)> at)
    {
        var (top, sum) = (double.NegativeInfinity, 0.0);
        for (long i = 0; i <= count; i++)
        {
            var (logP, loss) = at(i);
            var log = logP + LogExcess(loss, order);
            if (log <= top)
                sum += Math.Exp(log - top);
            else
                (top, sum) = (log, sum * Math.Exp(top - log) + 1);
        }
        var logExcess = top + Math.Log(sum * step);
        return Elementary.LogAdd(0, logExcess) / (order - 1);
    }

    /// <summary>How many points the rule takes.</summary>
    public static double Points(double sigma, double rate, double order) =>
        rate is 0 or 1 ? 0 : Math.Ceiling((order + 2 * Reach * sigma) / Step(sigma));

    /// <summary>A bound in closed form: A_a is convex in Q, so that A_a &lt;= 1 - q + q exp(a (a-1) / (2 sigma^2)).</summary>
    public static double AtMost(double sigma, double rate, double order)
    {
        var z = order * (order - 1) / (2 * sigma * sigma);
        return (z > 700 ? z + Math.Log(rate + (1 - rate) * Math.Exp(-z)) : Elementary.Log1p(rate * Elementary.Expm1(z))) / (order - 1);
    }

    private static double Step(double sigma) => Math.Min(sigma / 4, sigma * sigma / 2);

    /// <summary>log((1+y)^a - 1 - a y) for 1 + y = e^loss.</summary>
    private static double LogExcess(double loss, double order)
    {
        var log = order * loss;
        if (log > 30)
        {
            // e^log and a e^loss are of one size where the order is close to 1.
            return log + Elementary.Log1p((order - 1) * Math.Exp(-log) - order * Math.Exp(loss - log));
        }
        var y = Elementary.Expm1(loss);
        if (Math.Abs(y) * order > 0.1)
            return Math.Log(Elementary.Expm1(log) - order * y);
        double term = order * (order - 1) / 2 * y * y, total = term;
        for (var n = 3; n < 40 && Math.Abs(term) > 1e-18 * total; n++)
            total += term *= (order - n + 1) / n * y;
        return Math.Log(total);
    }
}
