using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// The upper bound's grid (Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022, arXiv 2207.04380): the outputs between two grid losses
/// l_k and l_{k+1} are split between these two so that both masses, with and without the example, are kept. This spreads the
/// likelihood ratio without moving its mean, so the pair so made dominates: the true pair is a post-processing of it. On the curve of
/// delta over e^epsilon it draws the chords through the points at the grid's losses.
/// </summary>
internal static class ConnectTheDots
{
    private const int MostEmpty = 256;

    /// <summary>The dominating grid with step <paramref name="step"/>.</summary>
    public static LossGrid Discretize(LossRange range, double step, CancellationToken cancellationToken)
    {
        var loss = range.Loss;
        // The least loss is the grid's first where the resolved losses come near it; with much noise they stay so far away that a grid from
        // there would be all empty.
        var lowest = loss.Loss(range.Low);
        var origin = (lowest - loss.Least) / step < MostEmpty ? loss.Least : lowest;
        var cells = (int)Math.Ceiling((loss.Loss(range.High) - origin) / step) + 1;
        var cell = new Cell(loss, step);
        var (q, p) = (new double[cells + 1], new double[cells + 1]);
        var from = range.Low;
        for (var k = 0; k < cells && from < range.High; k++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double low = origin + k * step, high = origin + (k + 1) * step;
            var to = Math.Min(Math.Max(loss.Place(high), from), range.High);
            var (below, above) = cell.Split(from, to, low, high);
            // Left of 1/2 the larger measure is P, right of it Q: the larger one is integrated, the other follows from the loss.
            if (from < 0.5)
                (p[k], p[k + 1], q[k], q[k + 1]) = (p[k] + below, p[k + 1] + above, q[k] + below * Math.Exp(low),
                    q[k + 1] + above * Math.Exp(high));
            else
                (q[k], q[k + 1], p[k], p[k + 1]) = (q[k] + below, q[k + 1] + above, p[k] + below * Math.Exp(-low),
                    p[k + 1] + above * Math.Exp(-high));
            from = to;
        }
        return new LossGrid(origin, step, q, p, range.Outside);
    }

    /// <summary>The two shares of a cell, each an integral of something positive, so nothing cancels.</summary>
    private sealed class Cell(LossFunction loss, double step)
    {
        private readonly double _up = Elementary.Expm1(step);
        private readonly double _down = -Elementary.Expm1(-step);

        public (double Below, double Above) Split(double from, double to, double low, double high)
        {
            double below = 0, above = 0;
            if (to <= from)
                return (0, 0);
            var panels = GaussLegendre.Panels(to - from, loss.Scale);
            var half = (to - from) / panels / 2;
            var (nodes, weights) = GaussLegendre.Rule(2 * half, loss.Scale);
            for (var i = 0; i < panels; i++)
            {
                var middle = from + (2 * i + 1) * half;
                for (var n = 0; n < nodes.Length; n++)
                {
                    var x = middle + half * nodes[n];
                    var l = loss.Loss(x);
                    // Rounding may put a node's loss a hair outside its cell.
                    double above0 = Math.Max(l - low, 0), below0 = Math.Max(high - l, 0);
                    if (from < 0.5)
                    {
                        var mass = weights[n] * half * Math.Exp(loss.LogP(x));
                        below += mass * -Elementary.Expm1(-below0) / _down;
                        above += mass * Elementary.Expm1(above0) / _up;
                    }
                    else
                    {
                        var mass = weights[n] * half * Math.Exp(loss.LogP(x) + l);
                        below += mass * Elementary.Expm1(below0) / _up;
                        above += mass * -Elementary.Expm1(-above0) / _down;
                    }
                }
            }
            return (below, above);
        }
    }
}
