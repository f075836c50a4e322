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

    private readonly Frequencies _frequencies;
    private readonly double[] _re;
    private readonly double[] _im;
    private readonly double[] _error;
    private readonly (double CosEnd, double SinEnd, double Versine, double Sin)[] _turns;
    private readonly double _tilt;
    private readonly double _step;
    private readonly double _logMoment;
    private readonly double _origin;
    private readonly long _first;
    private readonly double _outside;
    private readonly double _relative;

    /// <param name="frequencies">Which frequencies count.</param>
    /// <param name="parts">The mechanisms' transforms at these.</param>
    /// <param name="steps">How often each mechanism is used.</param>
    /// <param name="course">The tilt t and the window.</param>
    /// <param name="step">The grid's h.</param>
    public Tail(Frequencies frequencies, IReadOnlyList<Spectrum> parts, IReadOnlyList<long> steps, Course course, double step)
    {
        (this._frequencies, _tilt, this._step) = (frequencies, course.Saddle.Tilt, step);
        var (up, down) = (course.Up, course.Down);
        double mean = 0, logUp = 0, logDown = 0, total = 0;
        for (var m = 0; m < parts.Count; m++)
        {
            var grid = parts[m].Grid;
            _logMoment += steps[m] * grid.LogMoment;
            _origin += steps[m] * grid.CentreLoss;
            mean += steps[m] * grid.MeanOffset;
            logUp += steps[m] * grid.LogUp;
            logDown += steps[m] * grid.LogDown;
            total += steps[m];
        }
        // The window of N grid points, placed so that what is cut off on its two sides is in the proportion of the reaches.
        var spare = frequencies.Size - (up.Distance + down.Distance) / step;
        _first = (long)Math.Floor(mean - down.Distance / step - spare / 2);
        _outside = Math.Exp(Math.Min(0, logUp - up.Tilt * (_first + frequencies.Size) * step))
            + Math.Exp(Math.Min(0, logDown - down.Tilt * (_first - 1) * step));
        // Rounding of the masses, of the tilt and of log M, each a few units per step.
        _relative = total * U * (256 + 8 * Math.Abs(_logMoment / total)) + 1e-13;
        (_re, _im, _error) = (new double[frequencies.Indices.Length], new double[frequencies.Indices.Length],
            new double[frequencies.Indices.Length]);
        _turns = new (double, double, double, double)[_re.Length];
        for (var i = 0; i < _re.Length; i++)
        {
            Compose(i, parts, steps, total);
            var (sinEnd, cosEnd) = Turn(frequencies.Indices[i], _first);
            var (sinHalf, cosHalf) = Math.SinCos(Math.PI * frequencies.Indices[i] / frequencies.Size);
            _turns[i] = (cosEnd, sinEnd, 2 * sinHalf * sinHalf, frequencies.Indices[i] * 2 == frequencies.Size ? 0 : 2 * sinHalf * cosHalf);
        }
    }

    /// <summary>How many frequencies it sums up.</summary>
    public int Count => _re.Length;

    /// <summary>
    /// Bounds on delta at <paramref name="epsilon"/> &gt;= 0 for this grid, and the derivative of log delta by epsilon.
    /// </summary>
    public (double Low, double High, double Slope) At(double epsilon)
    {
        var size = _frequencies.Size;
        // S = origin + s h, s = first .. first + size - 1.
        var start = Math.Max(_first, (long)Math.Floor((epsilon - _origin) / _step) + 1);
        if (start >= _first + size)
            return (0, Scale(epsilon) * Heaviest * (1 + _outside), -_tilt);
        var count = _first + size - start;
        var y = Math.Max(0, _origin + start * _step - epsilon);
        var slow = new Series(_tilt, _step, y, count);
        var fast = new Series(_tilt + 1, _step, y, count);
        double value = 0, slope = 0, doubt = 0, sinStart = 0, cosStart = 1;
        var (sinOne, cosOne) = Turn(1, start);
        for (int i = 0, products = MostProducts; i < _re.Length; i++)
        {
            var j = _frequencies.Indices[i];
            if (products++ < MostProducts && j == _frequencies.Indices[i - 1] + 1)
                (sinStart, cosStart) = (sinStart * cosOne + cosStart * sinOne, cosStart * cosOne - sinStart * sinOne);
            else
                ((sinStart, cosStart), products) = (Turn(j, start), 0);
            var (cosEnd, sinEnd, versine, sin) = _turns[i];
            var (aRe, aIm) = slow.At(cosStart, sinStart, cosEnd, sinEnd, versine, sin);
            var (bRe, bIm) = fast.At(cosStart, sinStart, cosEnd, sinEnd, versine, sin);
            double wRe = aRe - bRe, wIm = aIm - bIm, weight = Math.Sqrt(wRe * wRe + wIm * wIm);
            var twice = j == 0 || 2 * j == size ? 1 : 2;
            value += twice * (_re[i] * wRe - _im[i] * wIm);
            slope += twice * (_re[i] * bRe - _im[i] * bIm);
            doubt += twice
                * (weight * _error[i]
                    + 64 * U * (Math.Abs(_re[i]) + Math.Abs(_im[i])) * (Math.Abs(aRe) + Math.Abs(aIm) + Math.Abs(bRe) + Math.Abs(bIm)));
        }
        // The weights are not negative, so no |W_j| exceeds W_0.
        doubt = (doubt + slow.Sum * _frequencies.Dropped) / size + Heaviest * _outside;
        value /= size;
        slope /= size;
        var scale = Scale(epsilon);
        return (scale * Math.Max(0, value - doubt) * (1 - _relative), scale * (value + doubt) * (1 + _relative),
            -slope / Math.Max(value, 1e-300));
    }

    /// <summary>The largest weight w(y): exp(-t y) (1 - exp(-y)) at exp(-y) = t/(1+t).</summary>
    private double Heaviest => Math.Exp(-_tilt * Elementary.Log1p(1 / _tilt)) / (1 + _tilt);

    private double Scale(double epsilon) => Math.Exp(_logMoment - _tilt * epsilon);

    private (double Sin, double Cos) Turn(long j, long s)
    {
        var size = (long)_frequencies.Size;
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
        (_re[i], _im[i]) = (size * Math.Cos(phase), size * Math.Sin(phase));
        _error[i] = (wrong > 0.5 ? Math.Exp(Math.Min(0, log + wrong)) + size : size * Elementary.Expm1(wrong))
            + size * U * (4 * total + 4 * phases + 8);
    }

    /// <summary>sum over s of exp(-a y_s + i omega s) from the first point above epsilon to the window's end.</summary>
    private sealed class Series(double a, double step, double y, long count)
    {
        private readonly double _head = Math.Exp(-a * y);
        private readonly double _ratio = Math.Exp(-a * step);
        private readonly double _gap = -Elementary.Expm1(-a * step);
        // Beside 1 this is nothing, and below the normal range arithmetic takes some processors many times as long.
        private readonly double _end = a * step * count < 460 ? Math.Exp(-a * step * count) : 0;
        private readonly double _all = -Elementary.Expm1(-a * step * count);

        /// <summary>The sum at omega = 0.</summary>
        public double Sum => _head * _all / _gap;

        public (double Re, double Im) At(double cosStart, double sinStart, double cosEnd, double sinEnd, double versine, double sin)
        {
            // (e^{i w start} - end e^{i w first}) / (1 - ratio e^{i w})
            double nRe = cosStart - _end * cosEnd, nIm = sinStart - _end * sinEnd;
            if (sin == 0 && versine == 0)
                return (Sum, 0);
            double dRe = _gap + _ratio * versine, dIm = -_ratio * sin, norm = dRe * dRe + dIm * dIm;
            return (_head * (nRe * dRe + nIm * dIm) / norm, _head * (nIm * dRe - nRe * dIm) / norm);
        }
    }
}
