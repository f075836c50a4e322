namespace FedLora.Dashboard.Charts;

/// <summary>Maps values to a share of a chart's side, with ticks at round numbers.</summary>
internal sealed class Axis
{
    private Axis(double least, double most, IReadOnlyList<double> ticks) => (Least, Most, Ticks) = (least, most, ticks);

    internal double Least { get; }

    internal double Most { get; }

    internal IReadOnlyList<double> Ticks { get; }

    /// <summary>Where a value lies, 0 to 1.</summary>
    internal double Share(double value) => (value - Least) / (Most - Least);

    /// <summary>From 0, or from the least value, to a round number that holds all; steps of 1, 2 or 5 times a power of ten.</summary>
    internal static Axis Cover(IEnumerable<double> values, bool fromZero)
    {
        var finite = values.Where(double.IsFinite).ToList();
        var (least, most) =
            (finite.Count == 0 || fromZero ? Math.Min(0, finite.DefaultIfEmpty(0).Min()) : finite.Min(), finite.DefaultIfEmpty(1).Max());
        if (most <= least)
            most = least + 1;
        var rough = (most - least) / 4;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * (rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10);
        var (low, high) = (Math.Floor(least / step), Math.Ceiling(most / step));
        return new Axis(low * step, high * step, [.. Enumerable.Range(0, (int)(high - low) + 1).Select(i => (low + i) * step)]);
    }

    /// <summary>A span of time, with ticks at whole minutes, hours or days (UTC).</summary>
    internal static Axis Time(IEnumerable<DateTimeOffset> times)
    {
        var all = times.ToList();
        var (first, last) = all.Count == 0 ? (0L, 1L) : (all.Min().ToUnixTimeSeconds(), all.Max().ToUnixTimeSeconds());
        if (last <= first)
            last = first + 60;
        var step = Steps.FirstOrDefault(step => (last - first) / step <= 5, (last - first) / 5 + 1);
        var ticks = new List<double>();
        for (var tick = (first + step - 1) / step * step; tick <= last; tick += step)
            ticks.Add(tick);
        return new Axis(first, last, ticks);
    }

    private static readonly long[] Steps =
        [1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 91 * 86_400, 365 * 86_400];
}
