namespace FedLora.Cli.Plots;

/// <summary>An axis from round number to round number, with ticks at 1, 2 or 5 times a power of ten.</summary>
internal sealed class Scale
{
    private readonly double _step;

    private Scale(double low, double high, double step) => (Low, High, this._step) = (low, high, step);

    public double Low { get; }

    public double High { get; }

    /// <summary>Covers the values with about <paramref name="wanted"/> ticks; from 0 where they are not far from it.</summary>
    public static Scale Cover(IEnumerable<double> values, int wanted, bool tight = false)
    {
        var finite = values.Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        var (low, high) = (finite.Min(), finite.Max());
        if (low > 0 && low < high / 2)
            low = 0;
        if (high - low < 1e-300)
            high = low + 1;
        var rough = (high - low) / wanted;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var even = new[] { 1, 2, 2.5, 5, 10 }.Select(factor => factor * power).First(candidate => candidate >= rough * 0.999);
        return tight ? new Scale(low, high, even)
            : new Scale(Math.Floor(low / even + 1e-9) * even, Math.Ceiling(high / even - 1e-9) * even, even);
    }

    /// <summary>Where a value lies, 0 to 1.</summary>
    public double Share(double value) => (value - Low) / (High - Low);

    /// <summary>The ticks and their labels.</summary>
    public IEnumerable<(double Value, string Label)> Ticks()
    {
        for (var i = (long)Math.Ceiling(Low / _step - 1e-9); i * _step <= High + _step * 1e-9; i++)
            yield return (i * _step, Label(i * _step));
    }

    private string Label(double value)
    {
        var size = Math.Max(Math.Abs(Low), Math.Abs(High));
        return size >= 1e6 ? (value / 1e6).ToString("0.###") + " M" : size >= 1e4 ? (value / 1e3).ToString("0.###") + " k" : size < 1e-3
            ? value.ToString("0.##e+0") : Math.Round(value, 9).ToString("0.######");
    }
}
