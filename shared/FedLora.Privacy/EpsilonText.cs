namespace FedLora.Privacy;

/// <summary>
/// Epsilons for people. The text never says less than was spent, nor more than is left: the last digit is rounded to the safe side.
/// </summary>
public static class EpsilonText
{
    /// <summary>Up, to so many decimals; to four digits where those would leave none. In nats, 0 or more.</summary>
    public static string AtMost(double epsilon, int decimals = 4) => Write(epsilon, decimals, decimal.Ceiling);

    /// <summary>Down, likewise.</summary>
    public static string AtLeast(double epsilon, int decimals = 4) => Write(epsilon, decimals, decimal.Floor);

    private static string Write(double epsilon, int decimals, Func<decimal, decimal> round)
    {
        if (!double.IsFinite(epsilon))
            return "unbounded";
        var size = Math.Abs(epsilon);
        if (size == 0 || (size >= Math.Pow(10, -decimals) && size < 1e12))
        {
            // A decimal holds the fifteen digits that a double surely has: 3.9996 stays 3.9996.
            var scale = (decimal)Math.Pow(10, decimals);
            return (round((decimal)epsilon * scale) / scale).ToString("0.##########");
        }
        if (size < 1e-300)
            return round(Math.Sign(epsilon) * 0.5m) switch { 0 => "0", > 0 => "1e-300", _ => "-1e-300" };
        var power = (int)Math.Floor(Math.Log10(size));
        var digits = round((decimal)(epsilon / Math.Pow(10, power)) * 1000) / 1000;
        return Math.Abs(digits) < 10 ? $"{digits:0.###}e{power}" : $"{digits / 10:0.###}e{power + 1}";
    }
}
