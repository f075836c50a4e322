using System.Collections.Concurrent;
using FedLora.Privacy.Pld;

namespace FedLora.Privacy.Rdp;

/// <summary>
/// Renyi accounting with Opacus' orders and conversion (Balle et al. 2020, arXiv 1905.09982, theorem 21; Canonne, Kamath, Steinke 2020,
/// arXiv 2004.00010, proposition 12): epsilon = min_a RDP(a) + log((a-1)/a) - (log delta + log a) / (a-1).
/// </summary>
public sealed class RdpAccountant : IAccountant
{
    /// <summary>Opacus' default orders: 1.1, 1.2, ..., 10.9, 12, 13, ..., 63.</summary>
    public static IReadOnlyList<double> Orders { get; } = [.. Enumerable.Range(1, 99).Select(x => 1 + x / 10.0),
        .. Enumerable.Range(12, 52).Select(x => (double)x)];

    private static readonly ConcurrentDictionary<(double Sigma, double Rate), double[]> Cache = new();

    /// <inheritdoc/>
    public string Name => "rdp";

    /// <inheritdoc/>
    public PrivacyBound Epsilon(IEnumerable<SampledGaussian> runs, double delta, CancellationToken cancellationToken = default) =>
        Epsilon(runs, delta, Effort.OfOne(), cancellationToken);

    internal PrivacyBound Epsilon(IEnumerable<SampledGaussian> runs, double delta, Effort effort, CancellationToken cancellationToken)
    {
        var merged = SampledGaussian.Simplify(runs);
        SampledGaussian.ValidateDelta(delta);
        if (merged.Count == 0)
            return new PrivacyBound(0, 0, Name);
        var best = Bound(merged, delta, effort, cancellationToken);
        return double.IsFinite(best.Epsilon) ? best : throw new FedLoraException("privacy-out-of-range",
            "the Renyi divergence is beyond double precision at every order",
            "Noise this small protects nothing that can be stated: raise --noise-multiplier.");
    }

    /// <summary>The bound alone, infinite where there is none.</summary>
    internal static double AtMost(IReadOnlyList<SampledGaussian> merged, double delta, Effort effort,
        CancellationToken cancellationToken) => Bound(merged, delta, effort, cancellationToken).Epsilon;

    private static PrivacyBound Bound(IReadOnlyList<SampledGaussian> merged, double delta, Effort effort,
        CancellationToken cancellationToken)
    {
        var (divergences, isWide) = (new double[Orders.Count], false);
        foreach (var run in merged)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var points = Cache.ContainsKey((run.NoiseMultiplier, run.SamplingRate)) ? 0
                : Effort.Order * Orders.Sum(order => RenyiDivergence.Points(run.NoiseMultiplier, run.SamplingRate, order));
            var isDear = points > effort.Most;
            isWide |= isDear;
            effort.Use(isDear ? 0 : (long)points);
            var one = isDear
                ? [.. Orders.Select(order => RenyiDivergence.AtMost(run.NoiseMultiplier, run.SamplingRate, order))]
                : OneStep(run, cancellationToken);
            for (var i = 0; i < one.Length; i++)
                divergences[i] += run.Steps * one[i];
        }
        var best = new PrivacyBound(double.PositiveInfinity, 0, "rdp",
            Note: isWide ? "a wider bound than usual: the divergence itself would take too long" : null);
        for (var i = 0; i < Orders.Count; i++)
        {
            var epsilon = Convert(divergences[i], Orders[i], delta);
            if (epsilon < best.Epsilon)
                best = best with { Epsilon = Math.Max(0, epsilon), Order = Orders[i] };
        }
        return best;
    }

    /// <summary>Renyi divergence of one step at one order above 1, in nats.</summary>
    public static double Divergence(double noiseMultiplier, double samplingRate, double order)
    {
        new SampledGaussian(noiseMultiplier, samplingRate, 1).Validate();
        return order > 1 ? RenyiDivergence.Of(noiseMultiplier, samplingRate, order)
            : throw SampledGaussian.Invalid($"the order is {order}", "Renyi orders are above 1.");
    }

    private static double[] OneStep(SampledGaussian run, CancellationToken cancellationToken)
    {
        if (Cache.Count > 4096)
            Cache.Clear();
        return Cache.GetOrAdd((run.NoiseMultiplier, run.SamplingRate),
            key => RenyiDivergence.Of(key.Sigma, key.Rate, Orders, cancellationToken));
    }

    private static double Convert(double rdp, double order, double delta) =>
        rdp + Math.Log((order - 1) / order) - (Math.Log(delta) + Math.Log(order)) / (order - 1);
}
