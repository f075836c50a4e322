using FedLora.Privacy.Numerics;
using FedLora.Privacy.Pld;
using FedLora.Privacy.Prv;
using FedLora.Privacy.Rdp;

namespace FedLora.Privacy;

/// <summary>
/// The two questions asked the other way round: how much noise, and how many steps, does an epsilon allow. Answers are on the safe side.
/// </summary>
public static class Calibration
{
    private const double Least = 0.02;
    private const double Most = 1e6;
    private const double Tolerance = 1e-6;

    /// <summary>Once nothing is left to be spent, a search looks at so many more points, each on the least grids.</summary>
    private const int LastLooks = 24;

    /// <summary>The largest number of steps that is tried.</summary>
    public const long MostSteps = 100_000_000;

    /// <summary>
    /// The smallest noise multiplier, to about one in a million and rounded up to seven digits, with which <paramref name="steps"/> steps
    /// at <paramref name="samplingRate"/> after what
    /// <paramref name="past"/> holds stay within <paramref name="epsilon"/> at <paramref name="delta"/>. Where the accountant can afford
    /// only wide intervals, a little larger.
    /// </summary>
    /// <exception cref="FedLoraException"><c>privacy-budget-too-small</c>: no noise is enough, e.g. since the past alone exceeds it;
    /// <c>privacy-out-of-range</c>: the accountant cannot tell.</exception>
    public static double NoiseMultiplier(
        IAccountant accountant, double epsilon, double delta, double samplingRate, long steps, IReadOnlyList<SampledGaussian>? past = null,
        CancellationToken cancellationToken = default)
    {
        Validate(epsilon, delta);
        new SampledGaussian(1, samplingRate, steps).Validate();
        if (accountant is PrvAccountant && epsilon <= 2 * PrvAccountant.EpsilonError)
            throw TooSmall(accountant, epsilon, delta);
        // The first guess: unsampled steps as one Gaussian, scaled by the rate.
        var guess = Math.Clamp(samplingRate * Math.Sqrt(2 * Math.Max(steps, 1) * Math.Log(1.25 / delta)) / epsilon, 0.4, 1e4);
        var question = new Question(accountant, epsilon, delta, past ?? [], cancellationToken);
        var coarse = accountant is PldAccountant
            ? Search(question.By(PldAccountant.Coarse), samplingRate, steps, guess, 0.25, 1e-4) : double.NaN;
        var found = coarse > 0 ? Search(question, samplingRate, steps, coarse, 2e-4, Tolerance, coarse)
            : Search(question, samplingRate, steps, guess, 0.25, Tolerance);
        if (question.Confirms(new SampledGaussian(found, samplingRate, steps)) is not { } over)
            return found;
        found = RoundUp(found * (1 + (2 * over)));
        if (question.Confirms(new SampledGaussian(found, samplingRate, steps)) is null)
            return found;
        found = RoundUp(
            Math.Exp(
                Roots.Bisect(Math.Log(found), Math.Log(Most),
                    at => question.HoldsAnyhow(new SampledGaussian(Math.Exp(at), samplingRate, steps)), 1e-6)) * (1 + 1e-5));
        return question.HoldsAnyhow(new SampledGaussian(found, samplingRate, steps)) ? found : throw TooSmall(accountant, epsilon, delta);
    }

    /// <param name="known">What holds by another accountant, returned where nothing is left for a better answer; NaN where there is
    /// none.</param>
    private static double Search(Question question, double samplingRate, long steps, double guess, double grow, double tolerance,
        double known = double.NaN)
    {
        double low = Math.Log(Least), high = Math.Log(Most), lowValue = double.NaN, highValue = double.NaN, at = Math.Log(guess),
            answer = double.NaN;
        var closing = new Closing();
        while (high - low > (lowValue == Question.Unstated && highValue < -0.02 ? 1e-3 : tolerance)
            && !(question.HasLookedEnough && answer > 0) && !(question.IsSpent && known > 0))
        {
            var sigma = Math.Max(Least, RoundUp(Math.Exp(at)));
            if (sigma >= answer)
                break; // Nothing lies between but digits that are not said.
            var value = question.Excess(new SampledGaussian(sigma, samplingRate, steps));
            at = Math.Log(sigma);
            if (value <= 0)
                (high, highValue, answer) = (at, value, sigma);
            else
                (low, lowValue) = (at, value);
            if (answer <= Least)
                return Least;
            if (low >= Math.Log(Most))
                throw TooSmall(question.Accountant, question.Epsilon, question.Delta);
            // First a bracket is sought by growing steps, then closed by interpolation that always cuts off some of it.
            if (double.IsNaN(highValue))
                at = Math.Min(Math.Log(Most), low + (grow *= 2));
            else if (double.IsNaN(lowValue))
                at = Math.Max(Math.Log(Least), high - (grow *= 2));
            else if (lowValue == Question.Unstated)
                at = (low + high) / 2;
            else
                at = closing.IsSlow(high - low) ? (low + high) / 2 : Inside(low, lowValue, high, highValue);
        }
        if (lowValue == Question.Unstated && highValue < -0.02)
        {
            throw new FedLoraException("privacy-out-of-range",
                $"the accountant '{question.Accountant.Name}' cannot tell how much noise epsilon {question.Epsilon} at delta "
                    + $"{question.Delta} asks for",
                "Use --accountant pld, which can.");
        }
        return question.IsSpent && !(answer < known) && known > 0 ? known : answer;
    }

    /// <summary>
    /// The largest number of steps of one kind that, after what <paramref name="past"/> holds, stays within <paramref name="epsilon"/> at
    /// <paramref name="delta"/>; 0 if not even one does, <see cref="MostSteps"/> if that many do. Where the accountant can afford only wide
    /// intervals, a little smaller.
    /// </summary>
    public static long Steps(
        IAccountant accountant, double epsilon, double delta, double noiseMultiplier, double samplingRate,
        IReadOnlyList<SampledGaussian>? past = null, CancellationToken cancellationToken = default)
    {
        Validate(epsilon, delta);
        var kind = new SampledGaussian(noiseMultiplier, samplingRate, 0);
        kind.Validate();
        var question = new Question(accountant, epsilon, delta, past ?? [], cancellationToken);
        if (samplingRate == 0)
            return question.Excess(kind) <= 0 ? MostSteps : 0;
        if (accountant is not PldAccountant)
            return Search(question, kind, 1, 1);
        // Near the coarse answer one fine grid serves all that is asked.
        var near = Search(question.By(PldAccountant.Coarse), kind, 1, 1);
        var found = Search(question, kind, Math.Max(near, 1), Math.Max(near / 250, 1), near);
        if (found == 0 || question.Confirms(kind with { Steps = found }) is not { } over)
            return found;
        found = (long)(found * Math.Max(0, 1 - (2 * over)));
        return found == 0 || question.Confirms(kind with { Steps = found }) is null ? found
            : (long)Math.Exp(
                Roots.Bisect(0, Math.Log(found), at => !question.HoldsAnyhow(kind with { Steps = (long)Math.Exp(at) }), 1e-6) - 1e-5);
    }

    private static long Search(Question question, SampledGaussian kind, long start, long grow, long known = 0)
    {
        if (question.IsSpent && known > 0)
            return known;
        long low = 0, high = start;
        double lowValue = double.NaN, highValue = Value(high);
        while (highValue <= 0)
        {
            if (high >= MostSteps)
                return MostSteps;
            (low, lowValue, high) = (high, highValue, Math.Min(high + grow, MostSteps));
            (grow, highValue) = (grow * 4, Value(high));
        }
        var closing = new Closing();
        while (high - low > 1 && !question.HasLookedEnough && !(question.IsSpent && known > 0))
        {
            var at = low == 0 ? Math.Max(high / 2, 1)
                : closing.IsSlow(high - low) ? low + ((high - low) / 2)
                : Math.Clamp((long)Math.Exp(Inside(Math.Log(low), lowValue, Math.Log(high), highValue)), low + 1, high - 1);
            var value = Value(at);
            if (value <= 0)
                (low, lowValue) = (at, value);
            else
                (high, highValue) = (at, value);
        }
        return question.IsSpent ? Math.Max(low, known) : low;

        double Value(long steps) => question.Excess(kind with { Steps = steps });
    }

    /// <summary>What is asked, and what may still be spent on answers.</summary>
    private sealed record Question(IAccountant Accountant, double Epsilon, double Delta, IReadOnlyList<SampledGaussian> Past,
        CancellationToken cancellationToken)
    {
        /// <summary>So little noise that no epsilon can be stated.</summary>
        public const double Unstated = 50;

        private int _looks;
        private bool _wasShort;

        private Effort Effort { get; init; } = Effort.OfSearch();

        /// <summary>Whether only the least grids are left.</summary>
        public bool IsSpent => Effort.IsSpent;

        /// <summary>Whether nothing is left to be spent, and the least grids have been asked often enough.</summary>
        public bool HasLookedEnough => _looks > LastLooks;

        /// <summary>The same asked of another accountant, out of the same effort.</summary>
        public Question By(IAccountant other) => new(other, Epsilon, Delta, Past, cancellationToken) { Effort = Effort };

        /// <summary>
        /// An answer found when little was left to be spent is asked again as anybody will ask: null where it holds, or by which share it
        /// does not. Where intervals are wide, less effort may happen upon a grid whose interval ends lower.
        /// </summary>
        public double? Confirms(SampledGaussian run)
        {
            if (!_wasShort && !IsSpent)
                return null;
            var spent = Accountant.Epsilon([.. Past, run], Delta, cancellationToken).Epsilon;
            return spent <= Epsilon ? null : (spent / Epsilon) - 1;
        }

        /// <summary>
        /// Whether it holds by closed forms, a little below the limit, since a close interval may still end that much above the truth.
        /// </summary>
        public bool HoldsAnyhow(SampledGaussian run) =>
            AnyComposition.Epsilon(SampledGaussian.Simplify([.. Past, run]), Delta).High <= Epsilon * (1 - 1e-4);

        /// <summary>log of what would be spent over what may be.</summary>
        public double Excess(SampledGaussian run)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _looks += Effort.IsSpent ? 1 : 0;
            _wasShort |= Effort.IsShort;
            try
            {
                IReadOnlyList<SampledGaussian> runs = [.. Past, run];
                var bound = Accountant switch
                {
                    PldAccountant pld => pld.Epsilon(runs, Delta, Effort.Share(), cancellationToken),
                    PrvAccountant prv => prv.Epsilon(runs, Delta, Effort.Share(), cancellationToken),
                    RdpAccountant rdp => rdp.Epsilon(runs, Delta, Effort.Share(), cancellationToken),
                    _ => Accountant.Epsilon(runs, Delta, cancellationToken),
                };
                return bound.Epsilon <= Epsilon ? Math.Min(0, Math.Log(Math.Max(1e-9 * Epsilon, bound.Epsilon) / Epsilon))
                    : Math.Max(1e-300, Math.Log(bound.Epsilon / Epsilon));
            }
            catch (FedLoraException e) when (e.Code == "privacy-out-of-range" && run.NoiseMultiplier < 1)
            {
                return Unstated;
            }
        }
    }

    /// <summary>
    /// Where intervals are wide, what is asked jumps with the grid it is answered on, and interpolation may crawl along the jump; halving
    /// does not.
    /// </summary>
    private sealed class Closing
    {
        private double _width = double.PositiveInfinity;
        private int _tries;

        /// <summary>Whether three interpolations have not halved the bracket.</summary>
        public bool IsSlow(double now)
        {
            if (now <= _width / 2)
                (_width, _tries) = (now, 0);
            return ++_tries > 3;
        }
    }

    /// <summary>To seven digits: sums over many terms differ in the last of sixteen between machines, which this rounding hides.</summary>
    private static double RoundUp(double sigma)
    {
        var scale = Math.Pow(10, 6 - Math.Floor(Math.Log10(sigma)));
        return Math.Ceiling(sigma * scale) / scale;
    }

    /// <summary>
    /// A point between two ends of opposite signs: where the chord crosses zero, kept a little away from the ends so that both move.
    /// </summary>
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
            throw SampledGaussian.Invalid($"epsilon is {epsilon}, which is not a positive number",
                "Give the epsilon that may be spent, e.g. 4.");
    }

    private static FedLoraException TooSmall(IAccountant accountant, double epsilon, double delta) => new("privacy-budget-too-small",
        $"no noise brings epsilon down to {epsilon} at delta {delta} by the accountant '{accountant.Name}'", accountant.Name switch
        {
            "rdp" => "Renyi accounting cannot show epsilons this small: use --accountant pld.",
            "prv" =>
                $"The accountant prv adds an error of {PrvAccountant.EpsilonError} to every epsilon and cannot show ones this small: use "
                    + "--accountant pld.",
            _ => "Raise epsilon or delta, or take fewer steps or a smaller sampling rate.",
        });
}
