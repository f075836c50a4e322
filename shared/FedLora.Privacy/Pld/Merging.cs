using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// The lower bound's grid: neighbouring outputs are merged into cells whose likelihood ratio, mass with the example over mass without,
/// is exactly exp(origin + k h). Merging is post-processing, so the merged pair is never less private than the true one. The first cell
/// fixes the origin; each next cell is grown until its ratio is the next grid value. On the curve of delta over e^epsilon it draws tangents
/// that meet at the grid's losses.
/// </summary>
internal sealed class Merging
{
    private readonly LossRange _range;
    private readonly LossFunction _loss;
    private readonly double _step;
    private readonly double[] _q;
    private readonly double[] _p;
    private int _count;

    private Merging(LossRange range, double step)
    {
        (this._range, _loss, this._step) = (range, range.Loss, step);
        // The chain starts above the least loss and ends below the greatest.
        var cells = (int)Math.Ceiling(range.Width / step) + 2;
        (_q, _p) = (new double[cells], new double[cells]);
    }

    /// <summary>The dominated grid with step <paramref name="step"/>.</summary>
    /// <param name="range">What is resolved.</param>
    /// <param name="step">h.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static LossGrid Discretize(LossRange range, double step, CancellationToken cancellationToken)
    {
        var merging = new Merging(range, step);
        var origin = merging.Chain(cancellationToken);
        return new LossGrid(origin, step, merging._q, merging._p, 0);
    }

    private double Chain(CancellationToken cancellationToken)
    {
        var from = FirstCell(out var origin);
        Add(0, origin, _range.Low, from, 0);
        while (from < _range.High)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Where the chain would need a sliver of a cell it skips a grid value.
            var least = _loss.Loss(from) + _step / 4;
            var k = Math.Max(_count, (int)Math.Ceiling((least - origin) / _step));
            var target = origin + k * _step;
            var to = Grow(from, target);
            // Far out the rest may not reach as high as that: better a sliver than to drop the rest.
            if (!(to <= _range.High) && k > _count && _loss.Loss(from) < target - _step)
                to = Grow(from, target = origin + --k * _step);
            if (!(to <= _range.High) || k >= _q.Length)
                break;
            Add(k, target, from, to, from);
            from = to;
        }
        return origin;
    }

    /// <summary>
    /// The end of the first cell: chosen so that its loss lies half a step above a grid value, which keeps the chain's cells equally
    /// wide. The cell's own log-ratio becomes the origin.
    /// </summary>
    private double FirstCell(out double origin)
    {
        var start = _range.Low + _loss.Sigma / 2;
        var above = _loss.Loss(start) - (origin = Ratio(start));
        var target = (Math.Max(0, Math.Ceiling(above / _step - 0.5)) + 0.5) * _step;
        // Each ratio is an integral from the lowest output on, and a little of a step more or less does not matter.
        double low = start, high = _range.High, end = start;
        for (var i = 0; Math.Abs(above - target) > _step / 200 && high - low > 1e-12 * (Math.Abs(low) + Math.Abs(high)); i++)
        {
            var next = _loss.Place(_loss.Loss(end) + target - above);
            end = i < 10 && next > low && next < high ? next : low + (high - low) / 2;
            above = _loss.Loss(end) - (origin = Ratio(end));
            (low, high) = above < target ? (end, high) : (low, end);
        }
        return end;
    }

    /// <summary>The log-ratio of the outputs from the lowest resolved one to <paramref name="to"/>.</summary>
    private double Ratio(double to)
    {
        var reference = _loss.Loss(to);
        return reference + Elementary.Log1p(Excess(_range.Low, to, reference, 0) / Mass(_range.Low, to, 0));
    }

    /// <summary>
    /// The end of the cell from <paramref name="from"/> whose log-ratio is <paramref name="target"/>; NaN if the resolved range is too
    /// short.
    /// </summary>
    private double Grow(double from, double target)
    {
        var low = _loss.Place(target);
        var high = double.PositiveInfinity;
        var to = _loss.Place(2 * target - _loss.Loss(from));
        for (var i = 0; i < 100; i++)
        {
            if (low > _range.High)
                return double.NaN;
            to = Math.Min(to, _range.High);
            var excess = Excess(from, to, target, from);
            if (excess >= 0)
                high = to;
            else if (to >= _range.High)
                return double.NaN;
            else
                low = to;
            var slope = Math.Exp(Weight(to, from)) * Slope(_loss.Loss(to) - target, from);
            var next = to - excess / slope;
            // Newton squares what is missing: after a step so small nothing is left of it.
            if (Math.Abs(next - to) <= Math.Max(1e-14 * Math.Abs(to), 1e-6 * (to - from)))
                return next;
            to = next > low && next < high ? next : double.IsInfinity(high) ? to + (to - from) : low + (high - low) / 2;
            if (to == low || to == high)
                return to;
        }
        return to;
    }

    /// <summary>
    /// The integral of (ratio / target ratio - 1) against P, or, right of 1/2, of (1 - target ratio / ratio) against Q: zero where the
    /// cell's ratio is the target.
    /// </summary>
    private double Excess(double from, double to, double target, double side) => Integrate(from, to, side, target);

    private double Mass(double from, double to, double side) => Integrate(from, to, side, double.NaN);

    private static double Slope(double difference, double side) =>
        side < 0.5 ? Elementary.Expm1(difference) : -Elementary.Expm1(-difference);

    /// <summary>log P where P is the larger measure, log Q where Q is.</summary>
    private double Weight(double x, double side) => _loss.LogP(x) + (side < 0.5 ? 0 : _loss.Loss(x));

    /// <summary>The mass, or, with a target, the excess.</summary>
    private double Integrate(double from, double to, double side, double target)
    {
        var panels = GaussLegendre.Panels(to - from, _loss.Scale);
        var half = (to - from) / panels / 2;
        var (nodes, weights) = GaussLegendre.Rule(2 * half, _loss.Scale);
        double sum = 0;
        for (var i = 0; i < panels; i++)
        {
            var middle = from + (2 * i + 1) * half;
            for (var n = 0; n < nodes.Length; n++)
            {
                var x = middle + half * nodes[n];
                var l = _loss.Loss(x);
                var mass = weights[n] * half * Math.Exp(_loss.LogP(x) + (side < 0.5 ? 0 : l));
                sum += double.IsNaN(target) ? mass : mass * Slope(l - target, side);
            }
        }
        return sum;
    }

    private void Add(int k, double target, double from, double to, double side)
    {
        var mass = Mass(from, to, side);
        (_q[k], _p[k]) = side < 0.5 ? (mass * Math.Exp(target), mass) : (mass, mass * Math.Exp(-target));
        _count = k + 1;
    }
}
