using FedLora.Privacy.Numerics;
using FedLora.Privacy.Rdp;

namespace FedLora.Privacy.Pld;

/// <summary>
/// The default accountant: an interval that holds the true epsilon. Privacy loss distributions of both directions of neighbouring are
/// bounded from above (<see cref="ConnectTheDots"/>) and below (<see cref="Merging"/>) on one grid, tilted, transformed and raised to the
/// number of steps, and every error of the computation is bounded and added. Where a closed form exists (no subsampling, or a single step)
/// it is used; where no grid is affordable, a wider interval that holds for any composition (<see cref="AnyComposition"/>). Keeps what it
/// has transformed, so that the next round of the same kind costs milliseconds.
/// </summary>
public sealed class PldAccountant : IAccountant
{
    /// <summary>Numbers held of earlier questions: 32 MB.</summary>
    private const long MostHeld = 1 << 22;

    /// <summary>Mechanisms in one composition on a grid; with more, each would get too coarse a grid.</summary>
    private const int MostKinds = 128;

    private readonly double _wanted;
    private readonly double _accepted;
    private readonly Lock _gate = new();
    private readonly LinkedList<(SampledGaussian[] Kinds, double Delta, PldModel Model)> _models = [];

    /// <summary>An accountant whose interval is at most about 4e-5 of epsilon wide.</summary>
    public PldAccountant() : this(1.2e-5, 4e-5)
    {
    }

    private PldAccountant(double wanted, double accepted) => (this._wanted, this._accepted) = (wanted, accepted);

    /// <summary>A quick one for searching: as sure, but only to about a thousandth.</summary>
    internal static PldAccountant Coarse { get; } = new(3e-4, 2e-3);

    /// <inheritdoc/>
    public string Name => "pld";

    /// <inheritdoc/>
    public PrivacyBound Epsilon(IEnumerable<SampledGaussian> runs, double delta, CancellationToken cancellationToken = default) =>
        Epsilon(runs, delta, Effort.OfOne(), cancellationToken);

    internal PrivacyBound Epsilon(IEnumerable<SampledGaussian> runs, double delta, Effort effort, CancellationToken cancellationToken)
    {
        var merged = SampledGaussian.Simplify(runs);
        SampledGaussian.ValidateDelta(delta);
        cancellationToken.ThrowIfCancellationRequested();
        return merged switch
        {
            [] => new PrivacyBound(0, 0, Name),
            // With probability (1-q)^T nobody sees the example, and the two cases are one.
            _ when delta >= -Elementary.Expm1(SampledGaussian.LogUnseen(merged)) * (1 + 1e-12) => new PrivacyBound(0, 0, Name),
            _ when merged.All(run => run.SamplingRate == 1) =>
                Stated(ClosedForm.Gaussian(Math.Sqrt(merged.Sum(run => run.Steps / run.NoiseMultiplier / run.NoiseMultiplier)), delta),
                    null),
            [{ Steps: 1 } single] => Stated(ClosedForm.SingleStep(single, delta), null),
            _ => Composed(),
        };

        PrivacyBound Composed()
        {
            var any = AnyComposition.Epsilon(merged, delta);
            if (any.High - any.Low <= _accepted * any.High)
                return Stated(any, null);
            var (low, high, isGood) = IsForGrids(merged, delta, effort) ? Compose(merged, delta, effort, cancellationToken)
                : (0, double.PositiveInfinity, false);
            if (isGood)
                return Stated((low, high), null);
            (low, high) = (Math.Max(low, any.Low), Math.Min(high, any.High));
            if (high - low > _accepted * high)
                high = Math.Min(high, RdpAccountant.AtMost(merged, delta, effort, cancellationToken));
            return Stated((low, high),
                high - low > 1e-3 * high ? "a wider interval than usual: a closer one would take too long, or is beyond double precision"
                    : null);
        }

        PrivacyBound Stated((double Low, double High) interval, string? note) => double.IsFinite(interval.High)
            ? new PrivacyBound(interval.High, interval.Low > 0 ? Math.Min(interval.Low, interval.High) : 0, Name, Note: note)
            : throw OutOfRange(merged, delta);
    }

    /// <summary>Whether a grid can hold it at all, and its analysis can be afforded.</summary>
    private static bool IsForGrids(IReadOnlyList<SampledGaussian> runs, double delta, Effort effort) =>
        delta >= 1e-100 && runs.Count <= MostKinds
            && runs.All(run => run.NoiseMultiplier is >= 0.02 and <= 1e6 && run.SamplingRate >= 1e-100)
            && PldSetup.Points(runs) <= effort.Most;

    private (double Low, double High, bool IsGood) Compose(IReadOnlyList<SampledGaussian> runs, double delta, Effort effort,
        CancellationToken cancellationToken)
    {
        // A fixed order, so that the same set of mechanisms is found again.
        var ordered = runs.OrderBy(run => run.NoiseMultiplier).ThenBy(run => run.SamplingRate).ToList();
        var steps = ordered.Select(run => run.Steps).ToArray();
        var kinds = ordered.Select(run => run with { Steps = 0 }).ToArray();
        (double Low, double High) best = (0, double.PositiveInfinity);
        if (Recall(kinds, delta, steps) is { } known)
        {
            best = known.Epsilon(steps, double.NaN, effort, cancellationToken);
            if (IsGood(best, Math.Max(best.High, known.LeastScale)))
                return (best.Low, best.High, true);
        }
        effort.Use((long)PldSetup.Points(ordered));
        var setup = new PldSetup(ordered, delta);
        var step = setup.Affordable(setup.StepFor(_wanted), effort.Most);
        for (var attempt = 0; step is { } h; attempt++)
        {
            var size = (int)setup.SizeFor(h);
            effort.Use((long)setup.Cost(h));
            var model = PldModel.Build(setup, h, size, cancellationToken);
            var interval = model.Epsilon(steps, attempt == 0 ? double.NaN : best.High, effort, cancellationToken);
            best = (Math.Max(best.Low, interval.Low), Math.Min(best.High, interval.High));
            var isGood = IsGood(interval, setup.Scale(interval.High));
            if (isGood || attempt == 3)
            {
                Remember(kinds, delta, model);
                return (best.Low, best.High, isGood);
            }
            if (attempt == 0 && !(interval.High <= 1.01 * interval.Low))
            {
                setup.ExpectOneLargeLoss();
                step = setup.Affordable(setup.StepFor(_wanted), effort.Most);
                continue;
            }
            var ratio = (interval.High - interval.Low) / (_wanted * setup.Scale(interval.High));
            step = setup.Affordable(h / (ratio > 2.25 ? Math.Min(Math.Sqrt(ratio), 8) : 1.5), effort.Most);
            if (!(step <= h / 1.2))
            {
                Remember(kinds, delta, model);
                break;
            }
        }
        return (best.Low, best.High, false);
    }

    private bool IsGood((double Low, double High) interval, double scale) =>
        double.IsFinite(interval.High) && interval.High - interval.Low <= _accepted * scale;

    private PldModel? Recall(SampledGaussian[] kinds, double delta, IReadOnlyList<long> steps)
    {
        lock (_gate)
        {
            return _models.FirstOrDefault(
                entry => entry.Delta.Equals(delta) && entry.Kinds.SequenceEqual(kinds) && entry.Model.Covers(steps)).Model;
        }
    }

    private void Remember(SampledGaussian[] kinds, double delta, PldModel model)
    {
        lock (_gate)
        {
            _models.AddFirst((kinds, delta, model));
            while (_models.Sum(entry => entry.Model.Held) > MostHeld)
                _models.RemoveLast();
        }
    }

    private static FedLoraException OutOfRange(IReadOnlyList<SampledGaussian> runs, double delta) => new("privacy-out-of-range",
        $"no epsilon can be proven for {string.Join(" + ", runs.Take(3).Select(run =>
            $"{run.Steps} steps at sigma {run.NoiseMultiplier}, q {run.SamplingRate}"))}{(runs.Count > 3 ? " + ..." : "")}, delta {delta}",
        "Noise this small protects nothing that can be stated, or the numbers are beyond double precision: raise --noise-multiplier or "
            + "--delta.");
}
