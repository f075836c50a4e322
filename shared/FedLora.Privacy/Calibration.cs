using FedLora.Privacy.Pld;

namespace FedLora.Privacy;

/// <summary>The two questions asked the other way round: how much noise, and how many steps, does an epsilon allow. Answers are on the safe side.</summary>
public static class Calibration
{
    private const double Least = 0.02;
    private const double Most = 1e6;
    private const double Tolerance = 1e-6;

    /// <summary>The largest number of steps that is tried.</summary>
    public const long MostSteps = 100_000_000;

    /// <summary>
    /// The smallest noise multiplier, to one in a million, with which <paramref name="steps"/> steps at <paramref name="samplingRate"/> after what
    /// <paramref name="past"/> holds stay within <paramref name="epsilon"/> at <paramref name="delta"/>.
    /// </summary>
    /// <exception cref="FedLoraException"><c>privacy-budget-too-small</c>: no noise is enough, e.g. since the past alone exceeds it.</exception>
    public static double NoiseMultiplier(IAccountant accountant, double epsilon, double delta, double samplingRate, long steps, IReadOnlyList<SampledGaussian>? past = null)
    {
        Validate(epsilon, delta);
        new SampledGaussian(1, samplingRate, steps).Validate();
        past ??= [];
        // The first guess: unsampled steps as one Gaussian, scaled by the rate.
        var (guess, grow) = (Math.Clamp(samplingRate * Math.Sqrt(2 * Math.Max(steps, 1) * Math.Log(1.25 / delta)) / epsilon, 0.4, 1e4), 0.25);
        if (accountant is PldAccountant && accountant != PldAccountant.Coarse)
            (guess, grow) = (NoiseMultiplier(PldAccountant.Coarse, epsilon, delta, samplingRate, steps, past), 2e-4);
        double low = Math.Log(Least), high = Math.Log(Most), lowValue = double.NaN, highValue = double.NaN, at = Math.Log(guess);
        while (high - low > (accountant == PldAccountant.Coarse ? 1e-4 : Tolerance))
        {
            var value = Excess(Math.Exp(at));
            if (value <= 0)
                (high, highValue) = (at, value);
            else
                (low, lowValue) = (at, value);
            if (high <= Math.Log(Least))
                return Least;
            if (low >= Math.Log(Most))
                throw TooSmall(accountant, epsilon, delta);
            // First a bracket is sought by growing steps, then closed by interpolation that always cuts off some of it.
            if (double.IsNaN(highValue))
                at = Math.Min(Math.Log(Most), low + (grow *= 2));
            else if (double.IsNaN(lowValue))
                at = Math.Max(Math.Log(Least), high - (grow *= 2));
            else
                at = Inside(low, lowValue, high, highValue);
        }
        return Math.Exp(high);

        double Excess(double sigma)
        {
            try
            {
                return Math.Log(Math.Max(1e-9, accountant.Epsilon([.. past, new SampledGaussian(sigma, samplingRate, steps)], delta).Epsilon) / epsilon);
            }
            catch (FedLoraException e) when (e.Code == "privacy-out-of-range" && sigma < 1)
            {
                return 50; // So little noise that no epsilon can be stated.
            }
        }
    }

    /// <summary>
    /// The largest number of steps of one kind that, after what <paramref name="past"/> holds, stays within <paramref name="epsilon"/> at <paramref name="delta"/>;
    /// 0 if not even one does, <see cref="MostSteps"/> if that many do.
    /// </summary>
    public static long Steps(IAccountant accountant, double epsilon, double delta, double noiseMultiplier, double samplingRate, IReadOnlyList<SampledGaussian>? past = null)
    {
        Validate(epsilon, delta);
        var kind = new SampledGaussian(noiseMultiplier, samplingRate, 0);
        kind.Validate();
        past ??= [];
        if (samplingRate == 0)
            return Fits(0) ? MostSteps : 0;
        if (!Fits(1))
            return 0;
        long low = 1, high = 2;
        while (Fits(high))
        {
            if (high >= MostSteps)
                return MostSteps;
            (low, high) = (high, Math.Min(high * 4, MostSteps));
        }
        double lowValue = Value(low), highValue = Value(high);
        while (high - low > 1)
        {
            var at = Math.Clamp((long)Math.Exp(Inside(Math.Log(low), lowValue, Math.Log(high), highValue)), low + 1, high - 1);
            var value = Value(at);
            if (value <= 0)
                (low, lowValue) = (at, value);
            else
                (high, highValue) = (at, value);
        }
        return low;

        bool Fits(long steps) => Value(steps) <= 0;
        double Value(long steps) => Math.Log(Math.Max(1e-9, accountant.Epsilon([.. past, kind with { Steps = steps }], delta).Epsilon) / epsilon);
    }

    /// <summary>A point between two ends of opposite signs: where the chord crosses zero, kept a little away from the ends so that both move.</summary>
    private static double Inside(double a, double fa, double b, double fb)
    {
        var share = Math.Clamp(fa / (fa - fb), 0, 1);
        // Beyond the last digits an end is stuck: step just past the estimated root on the other side.
        var margin = Math.Min(0.25, Math.Max(2e-3, 0.4 * Tolerance / Math.Max(b - a, 1e-300)));
        return a + (b - a) * Math.Clamp(share < 0.5 ? share + margin : share - margin, margin, 1 - margin);
    }

    private static void Validate(double epsilon, double delta)
    {
        SampledGaussian.ValidateDelta(delta);
        if (!double.IsFinite(epsilon) || epsilon <= 0)
            throw SampledGaussian.Invalid($"epsilon is {epsilon}, which is not a positive number", "Give the epsilon that may be spent, e.g. 4.");
    }

    private static FedLoraException TooSmall(IAccountant accountant, double epsilon, double delta) => new("privacy-budget-too-small",
        $"no noise brings epsilon down to {epsilon} at delta {delta} by the accountant '{accountant.Name}'",
        accountant.Name == "rdp" ? "Renyi accounting cannot show epsilons this small: use --accountant pld." : "Raise epsilon, or take fewer steps or a smaller sampling rate.");
}
