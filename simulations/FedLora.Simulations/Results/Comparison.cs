using FedLora.Privacy;
using FedLora.Simulations.Scenarios;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace FedLora.Simulations.Results;

/// <summary>A mean over seeds.</summary>
/// <param name="Mean">Of those that have a value; null where none has.</param>
/// <param name="Half">Half of the 95 % confidence interval by Student's t; null with fewer than two values.</param>
/// <param name="Count">How many have one.</param>
public sealed record Estimate(double? Mean, double? Half, int Count)
{
    private const double Upper = 0.975;

    internal static Estimate Of(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToArray();
        return new(
            known.Length == 0 ? null : known.Average(),
            known.Length < 2 ? null : StudentT.InvCDF(0, 1, known.Length - 1, Upper) * known.StandardDeviation() / Math.Sqrt(known.Length),
            known.Length);
    }

    /// <summary>For people: mean ± half, each times <paramref name="scale"/>.</summary>
    public string Show(double scale, string format) => Mean is not { } mean ? "-"
        : Half is { } half ? $"{(mean * scale).ToString(format)} ± {(half * scale).ToString(format)}" : (mean * scale).ToString(format);

    /// <summary>For people, where it is epsilons: both are rounded up.</summary>
    public string ShowEpsilon() => Mean is not { } mean ? "-"
        : EpsilonText.AtMost(mean, 2) + (Half is { } half ? $" ± {EpsilonText.AtMost(half, 2)}" : "");
}

/// <summary>Runs that differ by nothing but the seed.</summary>
public sealed record ComparisonRow(
    string Name, int Runs, int Unfinished, Estimate Accuracy, Estimate MacroF1, Estimate HeldOutLoss, Estimate Bytes, Estimate Seconds,
    Estimate Epsilon, Estimate AggregationError)
{
    /// <summary>One row for each combination of what was swept besides the seed, in the order of the runs.</summary>
    public static IReadOnlyList<ComparisonRow> Of(IEnumerable<RunSummary> runs) =>
        [.. runs.GroupBy(NameOf, StringComparer.Ordinal).Select(group => new ComparisonRow(
            group.Key,
            group.Count(),
            group.Count(run => run.State != "finished"),
            Estimate.Of(group.Select(run => run.Last?.Accuracy)),
            Estimate.Of(group.Select(run => run.Last?.MacroF1)),
            Estimate.Of(group.Select(run => run.Last?.HeldOutLoss)),
            Estimate.Of(group.Select(run => (double?)run.Last?.BytesTotal)),
            Estimate.Of(group.Select(run => run.Last?.Seconds)),
            Estimate.Of(group.Select(run => run.Last?.Epsilon)),
            Estimate.Of(group.Select(run => run.Last?.AggregationError))))];

    /// <summary>What was swept besides the seed; the scenario's name where nothing was.</summary>
    public static string NameOf(RunSummary run)
    {
        var values = run.Values.Where(pair => !IsSeed(pair.Key)).Select(pair => $"{Sweep.LastPart(pair.Key)}={pair.Value}").ToList();
        return values.Count == 0 ? run.Name : string.Join(", ", values);
    }

    internal static bool IsSeed(string key) => Sweep.LastPart(key) == "seed";
}

/// <summary>Two lots of runs, one against the other: where they have the same seeds the differences are taken seed by seed.</summary>
/// <param name="Name">What was swept besides the seed; empty where each lot has but one such.</param>
/// <param name="Accuracy">Second minus first.</param>
/// <param name="HeldOutLoss">Likewise.</param>
/// <param name="Paired">By seed.</param>
public sealed record DifferenceRow(string Name, Estimate Accuracy, Estimate HeldOutLoss, bool Paired)
{
    public static IReadOnlyList<DifferenceRow> Of(IReadOnlyList<RunSummary> first, IReadOnlyList<RunSummary> second)
    {
        var (ours, theirs) = (first.GroupBy(ComparisonRow.NameOf, StringComparer.Ordinal).ToList(),
            second.GroupBy(ComparisonRow.NameOf, StringComparer.Ordinal).ToList());
        if (ours.Count == 1 && theirs.Count == 1)
            return [Row("", [.. ours[0]], [.. theirs[0]])];
        return [.. ours.Join(theirs, group => group.Key, group => group.Key, (one, other) => Row(one.Key, [.. one], [.. other]),
            StringComparer.Ordinal)];
    }

    private static DifferenceRow Row(string name, IReadOnlyList<RunSummary> first, IReadOnlyList<RunSummary> second)
    {
        var pairs = first.Join(second, SeedOf, SeedOf, (one, other) => (one, other), StringComparer.Ordinal).ToList();
        if (pairs.Count == first.Count && pairs.Count == second.Count)
        {
            return new(name, Estimate.Of(pairs.Select(pair => pair.other.Last?.Accuracy - pair.one.Last?.Accuracy)),
                Estimate.Of(pairs.Select(pair => pair.other.Last?.HeldOutLoss - pair.one.Last?.HeldOutLoss)), true);
        }

        return new(name, Apart(run => run.Last?.Accuracy), Apart(run => run.Last?.HeldOutLoss), false);

        Estimate Apart(Func<RunSummary, double?> value)
        {
            var (one, other) = (Estimate.Of(first.Select(value)), Estimate.Of(second.Select(value)));
            return new(other.Mean - one.Mean, one.Half is { } a && other.Half is { } b ? Math.Sqrt((a * a) + (b * b)) : null,
                Math.Min(one.Count, other.Count));
        }
    }

    private static string SeedOf(RunSummary run) =>
        string.Join(',', run.Values.Where(pair => ComparisonRow.IsSeed(pair.Key)).Select(pair => pair.Value));
}
