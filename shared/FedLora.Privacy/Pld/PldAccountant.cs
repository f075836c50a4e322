using FedLora.Privacy.Rdp;

namespace FedLora.Privacy.Pld;

/// <summary>
/// The default accountant: an interval that holds the true epsilon. Privacy loss distributions of both directions of neighbouring are bounded from
/// above (<see cref="ConnectTheDots"/>) and below (<see cref="Merging"/>) on one grid, tilted, transformed and raised to the number of steps, and every error of the
/// computation is bounded and added. Where a closed form exists (no subsampling, or a single step) it is used. Keeps what it has transformed, so that the
/// next round of the same kind costs milliseconds.
/// </summary>
public sealed class PldAccountant : IAccountant
{
    private const int Remembered = 8;

    private readonly double wanted;
    private readonly double accepted;
    private readonly Lock gate = new();
    private readonly LinkedList<(SampledGaussian[] Kinds, double Delta, PldModel Model)> models = [];

    /// <summary>An accountant whose interval is at most about 4e-5 of epsilon wide.</summary>
    public PldAccountant() : this(1.2e-5, 4e-5)
    {
    }

    private PldAccountant(double wanted, double accepted) => (this.wanted, this.accepted) = (wanted, accepted);

    /// <summary>A quick one for searching: as sure, but only to about a thousandth.</summary>
    internal static PldAccountant Coarse { get; } = new(3e-4, 2e-3);

    /// <inheritdoc/>
    public string Name => "pld";

    /// <inheritdoc/>
    public PrivacyBound Epsilon(IEnumerable<SampledGaussian> runs, double delta)
    {
        var merged = SampledGaussian.Simplify(runs);
        SampledGaussian.ValidateDelta(delta);
        var (low, high) = merged switch
        {
            [] => (0, 0),
            // With probability (1-q)^T nobody sees the example, and the two cases are one.
            _ when delta >= 1 - Math.Exp(merged.Sum(run => run.Steps * Math.Log(1 - run.SamplingRate))) => (0, 0),
            _ when merged.All(run => run.SamplingRate == 1) => ClosedForm.Gaussian(Math.Sqrt(merged.Sum(run => run.Steps / run.NoiseMultiplier / run.NoiseMultiplier)), delta),
            [{ Steps: 1 } single] => ClosedForm.SingleStep(single, delta),
            _ => Compose(merged, delta),
        };
        if (!IsGood((low, high)) && merged.All(run => run.NoiseMultiplier is >= 0.02 and <= 1e6))
            high = Math.Min(double.IsNaN(high) ? double.PositiveInfinity : high, new RdpAccountant().Epsilon(merged, delta).Epsilon);
        if (!double.IsFinite(high))
            throw OutOfRange(merged, delta);
        return new PrivacyBound(high, low > 0 ? Math.Min(low, high) : 0, Name);
    }

    private (double Low, double High) Compose(IReadOnlyList<SampledGaussian> runs, double delta)
    {
        if (runs.Any(run => run.NoiseMultiplier is < 0.02 or > 1e6) || delta < 1e-100)
            throw OutOfRange(runs, delta);
        // A fixed order, so that the same set of mechanisms is found again.
        var ordered = runs.OrderBy(run => run.NoiseMultiplier).ThenBy(run => run.SamplingRate).ToList();
        var steps = ordered.Select(run => run.Steps).ToArray();
        var kinds = ordered.Select(run => run with { Steps = 0 }).ToArray();
        if (Recall(kinds, delta, steps) is { } known && known.Epsilon(steps) is var quick && IsGood(quick))
            return quick;
        var setup = new PldSetup(ordered, delta);
        var step = setup.Affordable(setup.StepFor(wanted));
        for (var attempt = 0; ; attempt++)
        {
            var model = PldModel.Build(setup, step, (int)setup.SizeFor(step));
            var interval = model.Epsilon(steps);
            if (IsGood(interval) || attempt == 3)
            {
                Remember(kinds, delta, model);
                return interval;
            }
            if (attempt == 0 && interval.High > 1.01 * interval.Low)
            {
                setup.ExpectOneLargeLoss();
                step = setup.Affordable(setup.StepFor(wanted));
                continue;
            }
            var ratio = (interval.High - interval.Low) / (wanted * interval.High);
            var finer = setup.Affordable(step / (ratio > 2.25 ? Math.Min(Math.Sqrt(ratio), 8) : 1.5));
            if (finer > step / 1.2)
            {
                Remember(kinds, delta, model);
                return interval;
            }
            step = finer;
        }
    }

    private bool IsGood((double Low, double High) interval) => interval.High - interval.Low <= accepted * interval.High;

    private PldModel? Recall(SampledGaussian[] kinds, double delta, IReadOnlyList<long> steps)
    {
        lock (gate)
        {
            return models.FirstOrDefault(entry => entry.Delta.Equals(delta) && entry.Kinds.SequenceEqual(kinds) && entry.Model.Covers(steps)).Model;
        }
    }

    private void Remember(SampledGaussian[] kinds, double delta, PldModel model)
    {
        lock (gate)
        {
            models.AddFirst((kinds, delta, model));
            if (models.Count > Remembered)
                models.RemoveLast();
        }
    }

    private static FedLoraException OutOfRange(IReadOnlyList<SampledGaussian> runs, double delta) => new("privacy-out-of-range",
        $"no epsilon can be proven for {string.Join(" + ", runs.Select(run => $"{run.Steps} steps at sigma {run.NoiseMultiplier}, q {run.SamplingRate}"))}, delta {delta}",
        "Noise this small protects nothing that can be stated, or the numbers are beyond double precision: raise --noise-multiplier or --delta.");
}
