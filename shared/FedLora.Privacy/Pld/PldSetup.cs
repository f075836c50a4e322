namespace FedLora.Privacy.Pld;

/// <summary>A composition analysed: where each mechanism's losses matter, what to expect, which grid to take.</summary>
internal sealed class PldSetup
{
    /// <summary>The largest grid and transform: 2^22 points, 64 MB each.</summary>
    public const int Largest = 1 << 22;

    /// <summary>The share of delta that outputs outside the resolved range may take.</summary>
    private const double Truncated = 1e-8;

    public PldSetup(IReadOnlyList<SampledGaussian> runs, double delta)
    {
        Delta = delta;
        Steps = [.. runs.Select(run => run.Steps)];
        var total = Steps.Sum(steps => (double)steps);
        Ranges = [.. runs.Select(run => LossRange.Cut(new LossFunction(run.NoiseMultiplier, run.SamplingRate), Truncated * delta / (2 * total)))];
        With = [.. Ranges.Select((range, m) => (new Cumulants(range, false), Steps[m]))];
        Without = [.. Ranges.Select((range, m) => (new Cumulants(range, true), Steps[m]))];
        WithSaddle = Saddle.Find(With, delta);
        WithoutSaddle = Saddle.Find(Without, delta);
    }

    public double Delta { get; }

    public IReadOnlyList<long> Steps { get; }

    public IReadOnlyList<LossRange> Ranges { get; }

    /// <summary>The losses with the example: the direction of removing it.</summary>
    public IReadOnlyList<(Cumulants Kappa, long Steps)> With { get; }

    /// <summary>The losses without it: the direction of adding it.</summary>
    public IReadOnlyList<(Cumulants Kappa, long Steps)> Without { get; }

    public Saddle WithSaddle { get; private set; }

    public Saddle WithoutSaddle { get; }

    /// <summary>
    /// Steers by one large loss instead of many small ones: epsilon is about that of a single step at delta over the number of steps. For where the normal
    /// estimate has led astray.
    /// </summary>
    public void ExpectOneLargeLoss()
    {
        var total = Steps.Sum(steps => (double)steps);
        var epsilon = Ranges.Max(range => ClosedForm.SingleStep(new SampledGaussian(range.Loss.Sigma, range.Loss.Rate, 1), Delta / total).High);
        if (epsilon > 0)
            WithSaddle = Saddle.Toward(With, epsilon);
    }

    /// <summary>
    /// The grid step at which the bounds are about <paramref name="relative"/> times epsilon apart. Connecting the dots adds h^2/6 to a step's variance
    /// and merging takes h^2/12 away, so that epsilon's ends move apart by T (t + 1) h^2 / 8.
    /// </summary>
    public double StepFor(double relative)
    {
        var main = WithSaddle.Epsilon >= WithoutSaddle.Epsilon ? WithSaddle : WithoutSaddle;
        var epsilon = Math.Max(main.Epsilon, 0.01 * main.Deviation);
        var step = Math.Sqrt(8 * relative * epsilon / (Steps.Sum(steps => (double)steps) * (main.Tilt + 1)));
        return Math.Min(step, Ranges.Min(range => range.Width) / 256);
    }

    /// <summary>The transform size for a grid step: a power of two that covers both directions' windows.</summary>
    public long SizeFor(double step)
    {
        var needed = Math.Max(Direction.SizeFor(With, WithSaddle, step), Direction.SizeFor(Without, WithoutSaddle, step));
        return (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(needed, 64));
    }

    /// <summary>The finest grid step from <paramref name="step"/> on whose grids and transform are not too large.</summary>
    /// <exception cref="FedLoraException"><c>privacy-out-of-range</c>: no sensible grid is small enough.</exception>
    public double Affordable(double step)
    {
        for (var i = 0; i < 64; i++, step *= 1.25)
        {
            if (SizeFor(step) <= Largest && Ranges.Max(range => range.Width) / step <= Largest)
                return step;
        }
        throw new FedLoraException("privacy-out-of-range", "the composition mixes steps of too different sizes for one grid", "Use --accountant rdp, or account for the parts separately.");
    }
}
