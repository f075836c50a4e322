using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// A fixed set of mechanisms at a fixed delta on a common grid, both directions transformed: answers for any numbers of steps near those it
/// was built for, in the time of a few sums over the transform.
/// </summary>
internal sealed class PldModel
{
    /// <summary>Newton takes about six; a bracket that is not closed by then is still one.</summary>
    private const int MostTries = 16;

    private readonly IReadOnlyList<LossRange> _ranges;
    private readonly Direction[] _directions;
    private readonly long[] _atLeast;
    private readonly double _delta;

    /// <summary>How closely an end is sought on the grid, relative to epsilon: far closer than the grid's own error.</summary>
    private readonly double _bracket;

    private PldModel(PldSetup setup, Direction[] directions, long[] atLeast, double step)
    {
        _bracket = Math.Max(2e-8, 2e-3 * setup.RelativeFor(step));
        (_ranges, this._directions, this._atLeast, _delta) = (setup.Ranges, directions, atLeast, setup.Delta);
        LeastScale = setup.Scale(0);
    }

    /// <summary>What an error is compared with where epsilon is smaller, see <see cref="PldSetup.Scale"/>.</summary>
    public double LeastScale { get; }

    /// <summary>Whether these steps are within what the model was built for.</summary>
    public bool Covers(IReadOnlyList<long> steps) => steps.Zip(_atLeast).All(pair => pair.First >= pair.Second);

    /// <summary>How many numbers it holds.</summary>
    public long Held => _directions.Sum(direction => direction.Held);

    /// <summary>Discretises and transforms, one mechanism after the other.</summary>
    /// <param name="setup">The mechanisms and their analysis.</param>
    /// <param name="step">The grid's h.</param>
    /// <param name="size">The transform's size.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static PldModel Build(PldSetup setup, double step, int size, CancellationToken cancellationToken)
    {
        var (fft, re, im) = (new Fft(size), new double[size], new double[size]);
        var fewest = setup.Steps.Select(steps => Math.Max(1, steps / 2)).ToArray();
        Direction with = new(setup.With, step, size), without = new(setup.Without, step, size);
        for (var m = 0; m < fewest.Length; m++)
        {
            var range = setup.Ranges[m];
            LossGrid[] grids = [.. new Func<LossGrid>[]
            {
                () => ConnectTheDots.Discretize(range, step, cancellationToken),
                () => Merging.Discretize(range, step, cancellationToken),
            }
                .AsParallel().AsOrdered().WithCancellation(cancellationToken).Select(make => make())];
            with.Add(grids[0], grids[1], fft, re, im, fewest[m]);
            cancellationToken.ThrowIfCancellationRequested();
            Fft.Tidy(size);
            without.Add(grids[0].Reversed(), grids[1].Reversed(), fft, re, im, fewest[m]);
        }
        return new PldModel(setup, [with, without], fewest, step);
    }

    /// <summary>The interval of epsilon after these steps: the larger of both directions, each bounded from both sides.</summary>
    /// <param name="steps">Of each mechanism.</param>
    /// <param name="near">Where a coarser grid found it, else NaN; no bound rests on it.</param>
    /// <param name="effort">What it takes is counted there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public (double Low, double High) Epsilon(IReadOnlyList<long> steps, double near, Effort effort, CancellationToken cancellationToken)
    {
        double infinite = 0, shift = 0;
        for (var m = 0; m < _ranges.Count; m++)
        {
            infinite += steps[m] * _ranges[m].Outside;
            // The loss itself, the grid's values and the cells' ratios are rounded: a few units of the largest loss per step.
            shift += steps[m] * 16 * Elementary.UnitRoundoff * _ranges[m].Magnitude;
        }
        double low = 0, high = 0, used = 0;
        foreach (var direction in _directions.OrderByDescending(direction => direction.Guess))
        {
            var upper = Counted(direction.Upper(steps));
            // The direction with the smaller loss is settled by one look: by what the other one surely spends its delta has been reached.
            if (low > 0 && upper(low).High + infinite <= _delta)
                continue;
            cancellationToken.ThrowIfCancellationRequested();
            var (_, end) = Solve(epsilon => { var (_, bound, slope) = upper(epsilon); return (bound + infinite, slope); },
                double.IsFinite(near) ? near : direction.Guess);
            var lower = Counted(direction.Lower(steps));
            var (start, _) = Solve(epsilon => { var (bound, _, slope) = lower(epsilon); return (bound, slope); }, end);
            high = Math.Max(high, end == 0 ? 0 : end + shift);
            low = Math.Max(low, start - shift);
        }
        effort.Use((long)used);
        return (double.IsNaN(low) ? 0 : low, double.IsNaN(high) ? double.PositiveInfinity : high);

        Func<double, (double Low, double High, double Slope)> Counted(Tail tail)
        {
            used += tail.Count * _ranges.Count * Effort.Power;
            return epsilon =>
            {
                used += tail.Count * Effort.Frequency;
                return tail.At(epsilon);
            };
        }
    }

    /// <summary>
    /// An interval around the epsilon &gt;= 0 where a decreasing delta falls to the target, narrow beside the grid's error; its upper end
    /// is infinite if the curve was never seen below the target. Newton on log delta, inside a bracket.
    /// </summary>
    private (double Low, double High) Solve(Func<double, (double Delta, double Slope)> curve, double guess)
    {
        var (low, high, at) = (-1.0, double.PositiveInfinity, Math.Max(guess, 0));
        for (var i = 0; i < MostTries; i++)
        {
            var (value, slope) = curve(at);
            if (double.IsNaN(value))
                return (0, double.PositiveInfinity); // Beyond double precision: it says nothing, neither above nor below.
            if (value <= _delta)
                high = at;
            else
                low = at;
            if (high == 0 || (double.IsFinite(high) && high - low <= _bracket * Math.Max(high, LeastScale)))
                break;
            var next = at + Math.Log(value / _delta) / -slope;
            if (!double.IsFinite(next))
                next = double.IsInfinity(high) ? 2 * at + 1 : (Math.Max(low, 0) + high) / 2;
            // A hair further than Newton says, so that the bracket closes from both sides.
            next += (value > _delta ? 0.25 : -0.25) * _bracket * Math.Abs(next);
            if (next <= low || next >= high)
                next = double.IsInfinity(high) ? 2 * at + 1e-9 : low < 0 ? 0 : (low + high) / 2;
            at = Math.Max(next, 0);
        }
        return (Math.Max(low, 0), high);
    }
}
