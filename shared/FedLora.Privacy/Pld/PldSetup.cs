namespace FedLora.Privacy.Pld;

/// <summary>A composition analysed: where each mechanism's losses matter, what to expect, which grid to take.</summary>
internal sealed class PldSetup
{
    /// <summary>The share of delta that outputs outside the resolved range may take.</summary>
    private const double Truncated = 1e-8;

    /// <summary>
    /// With fewer samplings expected than this, most outputs are those of no sampling at all: no frequency dies out, and each costs time in
    /// every sum.
    /// </summary>
    private const double FewSamplings = 40;

    private readonly double _total;
    private readonly bool _isRare;

    public PldSetup(IReadOnlyList<SampledGaussian> runs, double delta)
    {
        Delta = delta;
        Steps = [.. runs.Select(run => run.Steps)];
        _total = Steps.Sum(steps => (double)steps);
        Ranges = [
            .. runs.Select(run => LossRange.Cut(
                new LossFunction(run.NoiseMultiplier, run.SamplingRate), Truncated * delta / (2 * _total)))];
        (LargestTransform, LargestGrid) = (1 << 21, 1 << 20);
        _isRare = runs.Sum(run => run.Steps * run.SamplingRate) < FewSamplings;
        if (_isRare)
            LargestTransform >>= runs.Count == 1 ? 1 : 2;
        // The transforms of all mechanisms are held at once.
        for (var kinds = 2; kinds < runs.Count; kinds *= 2)
            (LargestTransform, LargestGrid) = (LargestTransform >> 1, LargestGrid >> 1);
        With = Steer(false);
        Without = Steer(true);
    }

    public double Delta { get; }

    public IReadOnlyList<long> Steps { get; }

    public IReadOnlyList<LossRange> Ranges { get; }

    /// <summary>The most points of a transform.</summary>
    public int LargestTransform { get; }

    /// <summary>The most points of a grid.</summary>
    public int LargestGrid { get; }

    /// <summary>The losses with the example: the direction of removing it.</summary>
    public Course With { get; private set; }

    /// <summary>The losses without it: the direction of adding it.</summary>
    public Course Without { get; }

    /// <summary>
    /// What the analysis of these runs costs, in the points of <see cref="Effort"/>: points of quadrature, summed a hundred times or so.
    /// </summary>
    public static double Points(IEnumerable<SampledGaussian> runs) => 8 * runs.Sum(run => Cumulants.Count(run.NoiseMultiplier));

    /// <summary>
    /// Steers by one large loss instead of many small ones: epsilon is about that of a single step at delta over the number of steps. For
    /// where the normal estimate has led astray.
    /// </summary>
    public void ExpectOneLargeLoss()
    {
        var epsilon = Ranges.Max(
            range => ClosedForm.SingleStep(new SampledGaussian(range.Loss.Sigma, range.Loss.Rate, 1), Delta / _total).High);
        if (epsilon > 0)
            With = Course.By(With.Parts, Saddle.Toward(With.Parts, epsilon));
    }

    /// <summary>
    /// The grid step at which the bounds are about <paramref name="relative"/> times epsilon apart. Connecting the dots adds h^2/6 to a
    /// step's variance and merging takes h^2/12 away, so that epsilon's ends move apart by T (t + 1) h^2 / 8.
    /// </summary>
    public double StepFor(double relative)
    {
        var main = With.Saddle.Epsilon >= Without.Saddle.Epsilon ? With.Saddle : Without.Saddle;
        var step = Math.Sqrt(8 * relative * Scale(main.Epsilon) / (_total * (main.Tilt + 1)));
        return Math.Min(step, Ranges.Min(range => range.Width) / 256);
    }

    /// <summary>How far apart the bounds are expected on grids of a step, relative to epsilon: see <see cref="StepFor"/>.</summary>
    public double RelativeFor(double step)
    {
        var main = With.Saddle.Epsilon >= Without.Saddle.Epsilon ? With.Saddle : Without.Saddle;
        return Math.Min(1e-3, step * step * _total * (main.Tilt + 1) / (8 * Scale(main.Epsilon)));
    }

    /// <summary>
    /// What an error of epsilon is compared with: epsilon itself, or, where that is next to nothing, what delta hangs on: a hundredth of
    /// the deviation of the loss.
    /// </summary>
    public double Scale(double epsilon) =>
        Math.Max(epsilon, 0.01 * (With.Saddle.Epsilon >= Without.Saddle.Epsilon ? With : Without).Saddle.Deviation);

    /// <summary>The transform size for a grid step: a power of two that covers both directions' windows.</summary>
    public double SizeFor(double step) =>
        Math.Max(64, Math.Pow(2, Math.Ceiling(Math.Log2(Math.Max(With.SizeFor(step), Without.SizeFor(step))))));

    /// <summary>
    /// What grids of a step cost, in the points of <see cref="Effort"/>: cells to integrate over and points to transform.
    /// </summary>
    public double Cost(double step) =>
        (Effort.Transform * Ranges.Count * SizeFor(step))
            + Ranges.Sum(range => (Effort.Cell * range.Width / step) + (Effort.Panel * (range.High - range.Low) / range.Loss.Scale));

    /// <summary>
    /// The finest grid step from <paramref name="step"/> on whose grids and transform are not too large; null where no sensible step is.
    /// </summary>
    /// <param name="step">h.</param>
    /// <param name="most">What they may cost.</param>
    public double? Affordable(double step, long most)
    {
        for (var i = 0; i < 64; i++, step *= 1.25)
        {
            if (Cost(step) + Sums(step) <= most && SizeFor(step) <= LargestTransform
                && Ranges.Max(range => range.Width) / step <= LargestGrid)
                return step;
        }
        return null;
    }

    /// <summary>What sums over frequencies will cost where none dies out: they are counted when they are made.</summary>
    private double Sums(double step) => _isRare ? SizeFor(step) * ((2 * Effort.Power * Ranges.Count) + (10 * Effort.Frequency)) : 0;

    private Course Steer(bool isReverse)
    {
        (Cumulants, long)[] parts = [.. Ranges.Select((range, m) => (new Cumulants(range, isReverse), Steps[m]))];
        return Course.By(parts, Saddle.Find(parts, Delta));
    }
}
