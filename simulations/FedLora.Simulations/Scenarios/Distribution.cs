using System.Globalization;

namespace FedLora.Simulations.Scenarios;

/// <summary>
/// A distribution of positive numbers as scenarios write it: <c>2</c>, <c>constant(2)</c>, <c>uniform(1, 3)</c>,
/// <c>lognormal(MEDIAN, SIGMA)</c>, <c>exponential(MEAN)</c>.
/// </summary>
/// <param name="Kind">Its name.</param>
/// <param name="First">Value, least, median or mean.</param>
/// <param name="Second">Largest, or standard deviation of the logarithm; 0 where there is none.</param>
public readonly record struct Distribution(string Kind, double First, double Second)
{
    private const double Least = 1e-9;

    /// <summary>How many numbers each kind takes.</summary>
    private static readonly Dictionary<string, int> Kinds = new(StringComparer.Ordinal)
    {
        ["constant"] = 1,
        ["uniform"] = 2,
        ["lognormal"] = 2,
        ["exponential"] = 1,
    };

    /// <summary>Reads one; null with the reason where it is none.</summary>
    public static Distribution? Parse(string text, out string why)
    {
        why = "";
        if (Number.Parse(text) is { } constant)
            return Checked(new("constant", constant, 0), out why);
        var open = text.IndexOf('(', StringComparison.Ordinal);
        var kind = open < 0 ? text.Trim() : text[..open].Trim();
        if (!Kinds.TryGetValue(kind, out var wanted))
        {
            why = $"'{kind}' is not a distribution; known: {string.Join(", ", Kinds.Keys)}, or a "
                + $"number{Nearest.Question(kind, Kinds.Keys)}";
            return null;
        }

        var numbers = open < 0 || !text.TrimEnd().EndsWith(')') ? []
            : text.TrimEnd()[(open + 1)..^1].Split(',').Select(Number.Parse).ToArray();
        if (numbers.Length == wanted && numbers.All(number => number is not null))
            return Checked(new(kind, numbers[0]!.Value, wanted > 1 ? numbers[1]!.Value : 0), out why);
        why = $"expected {kind}({kind switch { "uniform" => "LEAST, LARGEST", "lognormal" => "MEDIAN, SIGMA", _ => "NUMBER" }})";
        return null;
    }

    /// <summary>Its value at a uniform draw and a standard normal one.</summary>
    /// <param name="uniform">In [0, 1).</param>
    /// <param name="normal">N(0, 1).</param>
    public double At(double uniform, double normal) => Math.Max(Least, Kind switch
    {
        "uniform" => First + (uniform * (Second - First)),
        "lognormal" => First * Math.Exp(Second * normal),
        "exponential" => -First * Math.Log(1 - uniform),
        _ => First,
    });

    public override string ToString() => Kind == "constant" ? First.ToString(CultureInfo.InvariantCulture) : $"{Kind}({First}, {Second})";

    private static Distribution? Checked(Distribution parsed, out string why)
    {
        why = parsed.First is >= 0 and <= 1e12 && parsed.Second is >= 0 and <= 1e12
            && (parsed.Kind != "uniform" || parsed.Second >= parsed.First)
            ? "" : "expected numbers of at least 0, the least before the largest";
        return why.Length == 0 ? parsed : null;
    }
}
