using System.Text;

namespace FedLora.Cli.Plots;

/// <content>Scatter charts, with a logarithmic x axis.</content>
public static partial class SvgChart
{
    private const double LegendWidth = 268;

    /// <summary>Draws a scatter chart.</summary>
    public static string Draw(ScatterChart chart)
    {
        var points = chart.Series.SelectMany(series => series.Points).ToList();
        var (from, to) = (Math.Log10(points.Min(point => point.X)), Math.Log10(points.Max(point => point.X)));
        (from, to) = (from - (0.06 * (to - from)) - 0.02, to + (0.06 * (to - from)) + 0.02);
        var y = Scale.Cover(points.Select(point => point.Y), 6);
        var right = Right + LegendWidth;
        var svg = Begin(chart.Title, chart.YLabel, y, right);
        foreach (var value in Decades(from, to))
        {
            svg.AppendLine(
                $"<line x1='{At(X(value))}' x2='{At(X(value))}' y1='{At(Height - Bottom)}' y2='{At(Height - Bottom + 6)}' "
                    + $"stroke='{Faint}'/>");
            svg.AppendLine(Text(X(value), Height - Bottom + 26, chart.XTick(value), "middle", 15, Faint));
        }
        svg.AppendLine(Text((Left + Width - right) / 2, Height - 18, chart.XLabel, "middle", 17, Ink));
        for (var i = 0; i < chart.Series.Count; i++)
        {
            foreach (var (px, py) in chart.Series[i].Points)
                Mark(svg, X(px), Y(y, py), i);
            var top = Top + 16 + (i * Math.Min(34, (Height - Top - Bottom - 20) / chart.Series.Count));
            Mark(svg, Width - LegendWidth + 4, top, i);
            svg.AppendLine(Text(Width - LegendWidth + 20, top + 5, chart.Series[i].Name, "start", 15, Ink));
        }
        return svg.AppendLine("</svg>").ToString();
        double X(double value) => Left + ((Math.Log10(value) - from) / (to - from) * (Width - Left - right));
    }

    // 1, 2 and 5 times powers of ten; powers alone where those would be too many.
    private static IEnumerable<double> Decades(double from, double to)
    {
        foreach (var factor in to - from > 2.5 ? (double[])[1] : [1, 2, 5])
        {
            for (var power = Math.Floor(from) - 1; power <= to; power++)
            {
                if (Math.Log10(factor) + power is var at && at >= from && at <= to)
                    yield return factor * Math.Pow(10, power);
            }
        }
    }

    // Shape and colour change together, so that neighbours differ also in black and white.
    private static void Mark(StringBuilder svg, double x, double y, int i) => svg.AppendLine((i % 3) switch
    {
        0 => $"<circle cx='{At(x)}' cy='{At(y)}' r='7' fill='{Colour(i)}' fill-opacity='0.85' stroke='white'/>",
        1 => $"<rect x='{At(x - 6)}' y='{At(y - 6)}' width='12' height='12' fill='{Colour(i)}' fill-opacity='0.85' stroke='white'/>",
        _ => $"<path d='M{At(x)} {At(y - 8)} L{At(x + 8)} {At(y)} L{At(x)} {At(y + 8)} L{At(x - 8)} {At(y)} Z' fill='{Colour(i)}' "
            + $"fill-opacity='0.85' stroke='white'/>",
    });
}
