using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// delta(epsilon) = E[(1 - exp(epsilon - S))+] of a composed sum of losses S on a grid, with a bound on every error of computing it.
/// With p the tilted distribution of S and M its moment, delta = M exp(-t epsilon) sum_{s > epsilon} p_s w(s - epsilon), w(y) = exp(-t y)
/// (1 - exp(-y)), and by Parseval's theorem the sum is (1/N) sum_j Phi_j W_j, where W_j are two geometric series. Near the tilted mean
/// nothing in it cancels.
/// </summary>
internal sealed class Tail
{
    private const double U = Elementary.UnitRoundoff;

    /// <summary>So many frequencies in a row are turned by products, each of which errs by less than 3 U; then the angle is taken
    /// anew.</summary>
    private const int MostProducts = 12;

    private readonly Frequencies frequencies;
    private readonly double[] re;
    private readonly double[] im;
    private readonly double[] error;
    private readonly (double CosEnd, double SinEnd, double Versine, double Sin)[] turns;
    private readonly double tilt;
    private readonly double step;
    private readonly double logMoment;
    private readonly double origin;
    private readonly long first;
    private readonly double outside;
    private readonly double relative;

    /// <param name="frequencies">Which frequencies count.</param>
    /// <param name="parts">The mechanisms' transforms at these.</param>
    /// <param name="steps">How often each mechanism is used.</param>
    /// <param name="course">The tilt t and the window.</param>
    /// <param name="step">The grid's h.</param>
    public Tail(Frequencies frequencies, IReadOnlyList<Spectrum> parts, IReadOnlyList<long> steps, Course course, double step)
    {
        (this.frequencies, tilt, this.step) = (frequencies, course.Saddle.Tilt, step);
        var (up, down) = (course.Up, course.Down);
        double mean = 0, logUp = 0, logDown = 0, total = 0;
        for (var m = 0; m < parts.Count; m++)
        {
            var grid = parts[m].Grid;
            logMoment += steps[m] * grid.LogMoment;
            origin += steps[m] * grid.CentreLoss;
            mean += steps[m] * grid.MeanOffset;
            logUp += steps[m] * grid.LogUp;
            logDown += steps[m] * grid.LogDown;
            total += steps[m];
        }
        // The window of N grid points, placed so that what is cut off on its two sides is in the proportion of the reaches.
        var spare = frequencies.Size - (up.Distance + down.Distance) / step;
        first = (long)Math.Floor(mean - down.Distance / step - spare / 2);
        outside = Math.Exp(Math.Min(0, logUp - up.Tilt * (first + frequencies.Size) * step))
            + Math.Exp(Math.Min(0, logDown - down.Tilt * (first - 1) * step));
        // Rounding of the masses, of the tilt and of log M, each a few units per step.
        relative = total * U * (256 + 8 * Math.Abs(logMoment / total)) + 1e-13;
        (re, im, error) = (new double[frequencies.Indices.Length], new double[frequencies.Indices.Length],
            new double[frequencies.Indices.Length]);
        turns = new (double, double, double, double)[re.Length];
        for (var i = 0; i < re.Length; i++)
        {
            Compose(i, parts, steps, total);
            var (sinEnd, cosEnd) = Turn(frequencies.Indices[i], first);
            var (sinHalf, cosHalf) = Math.SinCos(Math.PI * frequencies.Indices[i] / frequencies.Size);
            turns[i] = (cosEnd, sinEnd, 2 * sinHalf * sinHalf, frequencies.Indices[i] * 2 == frequencies.Size ? 0 : 2 * sinHalf * cosHalf);
        }
    }

    /// <summary>How many frequencies it sums up.</summary>
    public int Count => re.Length;

    /// <summary>
    /// Bounds on delta at <paramref name="epsilon"/> &gt;= 0 for this grid, and the derivative of log delta by epsilon.
    /// </summary>
    public (double Low, double High, double Slope) At(double epsilon)
    {
        var size = frequencies.Size;
        // S = origin + s h, s = first .. first + size - 1.
        var start = Math.Max(first, (long)Math.Floor((epsilon - origin) / step) + 1);
        if (start >= first + size)
            return (0, Scale(epsilon) * Heaviest * (1 + outside), -tilt);
        var count = first + size - start;
        var y = Math.Max(0, origin + start * step - epsilon);
        var slow = new Series(tilt, step, y, count);
        var fast = new Series(tilt + 1, step, y, count);
        double value = 0, slope = 0, doubt = 0, sinStart = 0, cosStart = 1;
        var (sinOne, cosOne) = Turn(1, start);
        for (int i = 0, products = MostProducts; i < re.Length; i++)
        {
            var j = frequencies.Indices[i];
            if (products++ < MostProducts && j == frequencies.Indices[i - 1] + 1)
                (sinStart, cosStart) = (sinStart * cosOne + cosStart * sinOne, cosStart * cosOne - sinStart * sinOne);
            else
                ((sinStart, cosStart), products) = (Turn(j, start), 0);
            var (cosEnd, sinEnd, versine, sin) = turns[i];
            var (aRe, aIm) = slow.At(cosStart, sinStart, cosEnd, sinEnd, versine, sin);
            var (bRe, bIm) = fast.At(cosStart, sinStart, cosEnd, sinEnd, versine, sin);
            double wRe = aRe - bRe, wIm = aIm - bIm, weight = Math.Sqrt(wRe * wRe + wIm * wIm);
            var twice = j == 0 || 2 * j == size ? 1 : 2;
            value += twice * (re[i] * wRe - im[i] * wIm);
            slope += twice * (re[i] * bRe - im[i] * bIm);
            doubt += twice
                * (weight * error[i]
                    + 64 * U * (Math.Abs(re[i]) + Math.Abs(im[i])) * (Math.Abs(aRe) + Math.Abs(aIm) + Math.Abs(bRe) + Math.Abs(bIm)));
        }
        // The weights are not negative, so no |W_j| exceeds W_0.
        doubt = (doubt + slow.Sum * frequencies.Dropped) / size + Heaviest * outside;
        value /= size;
        slope /= size;
        var scale = Scale(epsilon);
        return (scale * Math.Max(0, value - doubt) * (1 - relative), scale * (value + doubt) * (1 + relative),
            -slope / Math.Max(value, 1e-300));
    }

    /// <summary>The largest weight w(y): exp(-t y) (1 - exp(-y)) at exp(-y) = t/(1+t).</summary>
    private double Heaviest => Math.Exp(-tilt * Elementary.Log1p(1 / tilt)) / (1 + tilt);

    private double Scale(double epsilon) => Math.Exp(logMoment - tilt * epsilon);

    private (double Sin, double Cos) Turn(long j, long s)
    {
        var size = (long)frequencies.Size;
        return Math.SinCos(2 * Math.PI * ((j * (s & (size - 1))) & (size - 1)) / size);
    }

    private void Compose(int i, IReadOnlyList<Spectrum> parts, IReadOnlyList<long> steps, double total)
    {
        double log = 0, phase = 0, wrong = 0, phases = 0;
        for (var m = 0; m < parts.Count; m++)
        {
            var (modulus, angle) = (parts[m].LogModulus[i], parts[m].Phase[i]);
            log += steps[m] * modulus;
            phase += steps[m] * angle;
            phases += steps[m] * Math.Abs(angle);
            // |phi + d|^T - |phi|^T with |d| up to the transform's error.
            wrong += steps[m] * Elementary.Log1p(parts[m].Error * Math.Exp(-modulus));
        }
        var size = Math.Exp(log);
        (re[i], im[i]) = (size * Math.Cos(phase), size * Math.Sin(phase));
        error[i] = (wrong > 0.5 ? Math.Exp(Math.Min(0, log + wrong)) + size : size * Elementary.Expm1(wrong))
            + size * U * (4 * total + 4 * phases + 8);
    }

    /// <summary>sum over s of exp(-a y_s + i omega s) from the first point above epsilon to the window's end.</summary>
    private sealed class Series(double a, double step, double y, long count)
    {
        private readonly double head = Math.Exp(-a * y);
        private readonly double ratio = Math.Exp(-a * step);
        private readonly double gap = -Elementary.Expm1(-a * step);
        private readonly double end = Math.Exp(-a * step * count);
        private readonly double all = -Elementary.Expm1(-a * step * count);

        /// <summary>The sum at omega = 0.</summary>
        public double Sum => head * all / gap;

        public (double Re, double Im) At(double cosStart, double sinStart, double cosEnd, double sinEnd, double versine, double sin)
        {
            // (e^{i w start} - end e^{i w first}) / (1 - ratio e^{i w})
            double nRe = cosStart - end * cosEnd, nIm = sinStart - end * sinEnd;
            if (sin == 0 && versine == 0)
                return (Sum, 0);
            double dRe = gap + ratio * versine, dIm = -ratio * sin, norm = dRe * dRe + dIm * dIm;
            return (head * (nRe * dRe + nIm * dIm) / norm, head * (nIm * dRe - nRe * dIm) / norm);
        }
    }
}
