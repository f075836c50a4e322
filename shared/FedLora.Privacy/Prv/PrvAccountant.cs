using System.Numerics;
using FedLora.Privacy.Numerics;
using FedLora.Privacy.Pld;
using FedLora.Privacy.Rdp;

namespace FedLora.Privacy.Prv;

/// <summary>
/// Numerical composition of privacy random variables (Gopi, Lee, Wutschitz 2021, arXiv 2106.02848) with Opacus' settings, for comparison:
/// the upper bound epsilon(delta - delta/1000) + 0.01 of the direction of removing an example, and the lower one. Unlike there, the masses
/// are tilted before they are transformed, so that rounding stays small beside the tail.
/// </summary>
public sealed class PrvAccountant : IAccountant
{
    /// <summary>The error of epsilon that Opacus asks for, and that is added to the bound.</summary>
    public const double EpsilonError = 0.01;

    private const int Largest = 1 << 19;
    private const int MostKinds = 32;
    private const double MostPoints = 2e5;

    /// <inheritdoc/>
    public string Name => "prv";

    /// <inheritdoc/>
    public PrivacyBound Epsilon(IEnumerable<SampledGaussian> runs, double delta, CancellationToken cancellationToken = default) =>
        Epsilon(runs, delta, Effort.OfOne(), cancellationToken);

    internal PrivacyBound Epsilon(IEnumerable<SampledGaussian> runs, double delta, Effort effort, CancellationToken cancellationToken)
    {
        var merged = SampledGaussian.Simplify(runs);
        SampledGaussian.ValidateDelta(delta);
        if (merged.Count == 0)
            return new PrivacyBound(0, 0, Name);
        var deltaError = delta / 1000;
        var steps = merged.Sum(run => (double)run.Steps);
        var perMesh = Math.Sqrt(steps * Math.Log(12 / deltaError) / 2);
        // Beyond this the quadratures of the steering and of the means would take minutes.
        if (merged.Count > MostKinds || PldSetup.Points(merged) > MostPoints || !(deltaError / (8 * steps) > 1e-300))
            throw TooFar(delta, steps);
        var limit = 3 + Math.Max(EpsilonError, Math.Max(
            RdpAccountant.AtMost(merged, deltaError / 4, effort, cancellationToken),
            merged.Max(run => RdpAccountant.AtMost([run with { Steps = 1 }], deltaError / (8 * steps), effort, cancellationToken))));
        // The mesh is that of the error; where it would take more points than are affordable, the error is that of the affordable mesh.
        var most = Math.Min(Largest, 1 << BitOperations.Log2((uint)(effort.Most / Effort.Mass / merged.Count)));
        var mesh = Math.Max(EpsilonError / perMesh, 2 * limit / (most - 2));
        var error = mesh * perMesh;
        var points = 2 * limit / mesh;
        // Opacus' guard: below this, rounding hides delta. So do the masses, differences of numbers up to 1, of so many steps.
        if (!(error <= 0.1 * limit) || 1e-19 * points >= delta - deltaError || Elementary.UnitRoundoff * steps >= delta / 20)
            throw TooFar(delta, steps);
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Ceiling(points) + 2);
        effort.Use((long)(Effort.Mass * size * merged.Count));
        var tilt = Saddle.Find(
            [.. merged.Select(
                run => (new Cumulants(LossRange.Cut(new LossFunction(run.NoiseMultiplier, run.SamplingRate), 1e-20), false), run.Steps))],
            delta).Tilt;
        var estimate = new TailSums(Compose(merged, mesh, limit, size, tilt, cancellationToken), mesh, tilt);
        var (high, low) = (estimate.Epsilon(delta - deltaError), estimate.Epsilon(delta + deltaError));
        if (!double.IsFinite(high))
            throw TooFar(delta, steps);
        return new PrivacyBound(Math.Max(0, high) + error, low > error ? low - error : 0, Name,
            Note: error > 1.001 * EpsilonError
                ? $"a coarser mesh than Opacus', whose error of {error:0.###} instead of {EpsilonError:0.###} is in the bound; pld is "
                    + $"closer" : null);
    }

    private static FedLoraException TooFar(double delta, double steps) => new("privacy-out-of-range",
        $"prv cannot resolve delta {delta} over {steps} steps", "Use --accountant pld, which stays exact here.");

    /// <summary>
    /// The composed masses in circular order around 0, tilted by exp(tilt loss) and divided by their moment, whose logarithm comes along,
    /// and the grid's shift.
    /// </summary>
    private static (double[] Masses, double LogMoment, double Shift) Compose(IReadOnlyList<SampledGaussian> runs, double mesh, double limit,
        int size, double tilt, CancellationToken cancellationToken)
    {
        var fft = new Fft(size);
        var (re, im) = (new double[size], new double[size]);
        Array.Fill(re, 1);
        double shift = 0, logMoment = 0;
        foreach (var run in runs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var variable = new PrivacyRandomVariable(run.NoiseMultiplier, run.SamplingRate, limit);
            var (masses, oneShift) = variable.Discretize(mesh, size);
            logMoment += run.Steps * Tilt(masses, mesh, tilt);
            var zero = new double[size];
            fft.Forward(masses, zero);
            for (var j = 0; j < size; j++)
            {
                var power = Complex.FromPolarCoordinates(
                    Math.Exp(run.Steps * Math.Log(masses[j] * masses[j] + zero[j] * zero[j]) / 2),
                    run.Steps * Math.Atan2(zero[j], masses[j]));
                (re[j], im[j]) = (re[j] * power.Real - im[j] * power.Imaginary, re[j] * power.Imaginary + im[j] * power.Real);
            }
            shift += run.Steps * oneShift;
        }
        for (var j = 0; j < size; j++)
            im[j] = -im[j];
        fft.Forward(re, im);
        return (Array.ConvertAll(re, value => value / size), logMoment, shift);
    }

    private static double Tilt(double[] masses, double mesh, double tilt)
    {
        var half = masses.Length / 2;
        var top = double.NegativeInfinity;
        for (var i = -half; i < half; i++)
        {
            if (masses[i & (masses.Length - 1)] > 0)
                top = Math.Max(top, Math.Log(masses[i & (masses.Length - 1)]) + tilt * i * mesh);
        }
        double sum = 0;
        for (var i = -half; i < half; i++)
        {
            ref var mass = ref masses[i & (masses.Length - 1)];
            sum += mass = mass > 0 ? Math.Exp(Math.Log(mass) + tilt * i * mesh - top) : 0;
        }
        for (var i = 0; i < masses.Length; i++)
            masses[i] /= sum;
        return top + Math.Log(sum);
    }

    /// <summary>
    /// delta(epsilon) = sum over losses above epsilon of mass (1 - exp(epsilon - loss)), the masses being untilted again.
    /// </summary>
    private sealed class TailSums((double[] Masses, double LogMoment, double Shift) composed, double mesh, double tilt)
    {
        /// <summary>
        /// The epsilon whose delta this is: sought from the largest loss down, since rounding rules where the tilt is undone far below it.
        /// Beside the mass above a loss, what counts is that mass weighted by exp(loss - its own loss), which never leaves double
        /// precision. The circle is cut where the shifted losses are farthest from 0: of many steps on a coarse mesh the shift is a
        /// multiple of the circle. NaN where it is not found.
        /// </summary>
        public double Epsilon(double delta)
        {
            var (size, untilted, weighted, decay) = (composed.Masses.Length, 0.0, 0.0, Math.Exp(-mesh));
            var centre = (long)Math.Round(-composed.Shift / mesh);
            for (var i = centre + size / 2 - 1; i >= centre - (size / 2); i--)
            {
                var mass = composed.Masses[(int)(i & (size - 1))] * Math.Exp(composed.LogMoment - tilt * i * mesh);
                if (untilted - (weighted * decay) > delta)
                    return ((i + 1) * mesh) + composed.Shift + Math.Log((untilted - delta) / weighted);
                (untilted, weighted) = (untilted + mass, (weighted * decay) + mass);
                if (!double.IsFinite(untilted))
                    break;
            }
            return double.IsFinite(untilted) && untilted > delta
                ? ((centre - (size / 2)) * mesh) + composed.Shift + Math.Log((untilted - delta) / weighted) : double.NaN;
        }
    }
}
