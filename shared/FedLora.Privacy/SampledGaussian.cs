using FedLora.Privacy.Numerics;

namespace FedLora.Privacy;

/// <summary>
/// A number of DP-SGD steps of one kind: every step takes each example with probability q, sums the examples' gradients clipped to
/// norm C and adds Gaussian noise of standard deviation sigma C. Neighbours differ in one example added or removed.
/// </summary>
/// <param name="NoiseMultiplier">sigma: the noise's standard deviation over the clipping norm; positive.</param>
/// <param name="SamplingRate">q: the probability that a step takes an example, from 0 to 1.</param>
/// <param name="Steps">How many such steps; zero or more. A step whose sample is empty counts.</param>
public sealed record SampledGaussian(double NoiseMultiplier, double SamplingRate, long Steps)
{
    /// <summary>Refuses what has no meaning, in words.</summary>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>: a value is out of its range.</exception>
    public void Validate()
    {
        if (!double.IsFinite(NoiseMultiplier) || NoiseMultiplier <= 0)
            throw Invalid($"the noise multiplier is {NoiseMultiplier}, which is not a positive number",
                "Without noise there is no epsilon: give sigma > 0, e.g. 1.0.");
        if (!(SamplingRate is >= 0 and <= 1))
            throw Invalid($"the sampling rate is {SamplingRate}, which is not a probability",
                "Give the expected batch over the number of examples, from 0 to 1.");
        if (Steps < 0)
            throw Invalid($"the number of steps is {Steps}", "Give a number of steps from 0 on.");
    }

    /// <summary>The runs that spend anything, each checked, with equal mechanisms put together.</summary>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>: a value is out of its range, or there are too many steps to
    /// count.</exception>
    public static IReadOnlyList<SampledGaussian> Simplify(IEnumerable<SampledGaussian> runs)
    {
        var merged = new OrderedDictionary<(double Sigma, double Rate), SampledGaussian>();
        foreach (var run in runs)
        {
            run.Validate();
            if (run.Steps == 0 || run.SamplingRate == 0)
                continue;
            var kind = (run.NoiseMultiplier, run.SamplingRate);
            merged[kind] = merged.TryGetValue(kind, out var same) ? run with { Steps = Sum(same.Steps, run.Steps) } : run;
        }
        return [.. merged.Values];
    }

    /// <summary>
    /// log of the probability that no step of these takes the example: sum T log(1-q), with all its digits where q is tiny.
    /// </summary>
    internal static double LogUnseen(IEnumerable<SampledGaussian> runs) => runs.Sum(run => run.Steps * Elementary.Log1p(-run.SamplingRate));

    internal static void ValidateDelta(double delta)
    {
        if (!(delta is > 0 and < 1))
            throw Invalid($"delta is {delta}, which is not between 0 and 1",
                "Give a delta well below one over the number of examples, e.g. 1e-5.");
    }

    private static long Sum(long a, long b) => a <= long.MaxValue - b ? a + b
        : throw Invalid($"there are more than {long.MaxValue} steps", "No training has that many: give the steps that were really taken.");

    internal static FedLoraException Invalid(string message, string hint) => new("privacy-invalid", message, hint);
}
