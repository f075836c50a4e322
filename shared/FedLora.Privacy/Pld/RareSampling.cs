using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// An interval in closed form for where hardly any step takes the example: the sum of losses is large because one of them is. A grid sees
/// little there, since no frequency dies out.
/// </summary>
/// <remarks>
/// All under Q, removing the example, delta(e) = E[(1 - exp(e - S))+]. A loss above c is a jump, p the probability of one, P = sum T p.
/// Above: with no jump and the other losses together at most r &lt;= e nothing counts; with one jump L it counts (1 - exp(e - r - L))+ at
/// most, in all sum T delta_1(e - r) with the closed form of one step; two jumps have a probability of at most P^2 / 2. That losses of at
/// most c sum up to more than r has, with or without a jump beside them, a probability of at most (1 + P) exp(K - t r), where K sums T log
/// E[exp(t L); L &lt;= c]. With V = e^z - 1 and L = log(1 + q V) &lt;= q V, E_P[V] = 0 and exp(x) &lt;= 1 + x + x^2/2 phi(t c), phi(y) = 2
/// (e^y - 1 - y) / y^2, that is at most T q^2 M (t + t^2/2 phi(t c) e^c / (1-q)^2), M = E_P[V^2; L &lt;= c] (Bennett's inequality).
/// Adding the example, no sum of losses exceeds -sum T log(1-q). Below: one jump above e + s, s that sum, while no other step jumps, since
/// the others take away at most s.
/// </remarks>
internal static class RareSampling
{
    /// <summary>So many samplings may be expected for this to be of use.</summary>
    private const double Most = 0.1;

    /// <summary>Below this, squares of rates and deltas are beyond double precision.</summary>
    public const double Smallest = 1e-120;

    /// <summary>The share of delta for the small losses.</summary>
    private const double Share = 1e-7;

    /// <summary>A bound from below and one from above; 0 and infinity where samplings are not rare.</summary>
    /// <param name="runs">At least one, each with steps and a rate above 0.</param>
    /// <param name="delta">In (0, 1).</param>
    public static (double Low, double High) Epsilon(IReadOnlyList<SampledGaussian> runs, double delta)
    {
        var all = -SampledGaussian.LogUnseen(runs) * (1 + 1e-12);
        if (!(all <= Most) || delta < Smallest || runs.Any(run => run.SamplingRate < Smallest))
            return (0, double.PositiveInfinity);
        Kind[] kinds = [.. runs.Select(run => new Kind(run))];
        return (Below(kinds, delta, all), Math.Max(Above(kinds, delta), all));
    }

    private static double Above(Kind[] kinds, double delta)
    {
        var (most, best) = (delta * (1 - Share), double.PositiveInfinity);
        var jump = OneJump(kinds, most);
        if (jump == 0)
            jump = kinds.Sum(kind => kind.Count * kind.Rate);
        for (var i = 0; i < 40 && double.IsFinite(jump); i++, jump /= 2)
        {
            var jumps = Jumps(kinds, jump);
            var left = most - jumps * jumps / 2;
            if (!(left > delta / 2))
                break;
            best = Math.Min(best, OneJump(kinds, left) + Rest(kinds, jump, Math.Log((1 + jumps) / (Share * delta))));
        }
        return best * (1 + 1e-12);
    }

    /// <summary>An e with sum T delta_1(e) at most <paramref name="delta"/>, each kind having an equal share of it.</summary>
    private static double OneJump(Kind[] kinds, double delta) =>
        kinds.Max(kind => ClosedForm.SingleStep(kind.Run, delta / kinds.Length / kind.Count * (1 - 1e-12)).High);

    private static double Below(Kind[] kinds, double delta, double all)
    {
        // That no other step jumps is a little less probable the lower the jump: what is taken for it is compared in the end.
        var jumps = 1.05 * Jumps(kinds, kinds.Max(kind => JumpOf(kind, delta)));
        if (!(jumps < 0.5))
            return 0;
        var jump = kinds.Max(kind => JumpOf(kind, delta / (1 - jumps)));
        return jump > all && Jumps(kinds, jump) <= jumps ? (jump - all) * (1 - 1e-12) : 0;
    }

    private static double JumpOf(Kind kind, double delta) => ClosedForm.SingleStep(kind.Run, delta / kind.Count * (1 + 1e-12)).Low;

    /// <summary>P, the expected number of losses above <paramref name="jump"/>.</summary>
    private static double Jumps(Kind[] kinds, double jump) =>
        jump > 0 ? kinds.Sum(kind => kind.Count * kind.Above(jump)) * (1 + 1e-9) : double.PositiveInfinity;

    /// <summary>What losses of at most <paramref name="jump"/> sum up to, but for exp(-<paramref name="exponent"/>).</summary>
    private static double Rest(Kind[] kinds, double jump, double exponent)
    {
        var (moment, best) = (kinds.Sum(kind => kind.Count * kind.SecondMoment(jump)), double.PositiveInfinity);
        var weighted = moment * Math.Exp(jump) / kinds.Min(kind => (1 - kind.Rate) * (1 - kind.Rate)) / jump / jump;
        for (var y = 0.25; y < 200; y *= 2)
            best = Math.Min(best, ((moment * y / jump) + (weighted * (Elementary.Expm1(y) - y)) + exponent) * jump / y);
        return best * (1 + 1e-9);
    }

    /// <summary>One kind of steps.</summary>
    private sealed class Kind(SampledGaussian run)
    {
        private readonly LossFunction _loss = new(run.NoiseMultiplier, run.SamplingRate);

        public SampledGaussian Run { get; } = run;

        public double Count { get; } = run.Steps;

        public double Rate { get; } = run.SamplingRate;

        /// <summary>Q(L &gt; at), at &gt; 0.</summary>
        public double Above(double at)
        {
            var x = _loss.Place(at);
            return ((1 - Rate) * Math.Exp(Elementary.LogNormalCdf(-x / _loss.Sigma)))
                + (Rate * Math.Exp(Elementary.LogNormalCdf((1 - x) / _loss.Sigma)));
        }

        /// <summary>At least q^2 E_P[(e^z - 1)^2; L &lt;= at], at &gt; 0: z is normal around -mu^2/2 with deviation mu = 1/sigma.</summary>
        public double SecondMoment(double at)
        {
            var mu = 1 / _loss.Sigma;
            var squares = Math.Exp((2 * Math.Log(Rate)) + (mu * mu)
                + Elementary.LogNormalCdf(((_loss.Place(at) - 0.5) * mu) - (1.5 * mu)));
            return Math.Min(Rate * Rate * Elementary.Expm1(mu * mu), squares + (Rate * Rate));
        }
    }
}
