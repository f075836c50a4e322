namespace FedLora.Dashboard.Charts;

/// <summary>One line of a chart.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Points">From left to right.</param>
/// <param name="Kind">How it looks.</param>
public sealed record Line(string Name, IReadOnlyList<(double X, double Y)> Points, LineKind Kind = LineKind.Plain);

/// <summary>How a line looks.</summary>
public enum LineKind
{
    Plain,

    /// <summary>Stays until the next point: what is spent is spent at once.</summary>
    Steps,

    /// <summary>A bound that must not be passed.</summary>
    Limit,

    /// <summary>What is expected.</summary>
    Dashed,
}
