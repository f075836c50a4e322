using System.Security;
using System.Text;

namespace FedLora.Cli.Plots;

/// <summary>
/// Draws charts as SVG files of 960 x 560 points on white: readable from the back of a room, the same bytes for the same numbers.
/// </summary>
public static partial class SvgChart
{
    private const double Width = 960, Height = 560, Left = 92, Right = 28, Top = 64, Bottom = 76;
    private const string Ink = "#1f2933", Faint = "#6b7783", Grid = "#e3e8ee";

    /// <summary>Distinct also without colour vision (Okabe and Ito's palette, darkest first).</summary>
    private static readonly string[] Colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#3d3d3d", "#8c6bb1"];

    /// <summary>Draws a line chart.</summary>
    public static string Draw(LineChart chart)
    {
        var x = Scale.Cover(chart.Lines.SelectMany(line => line.Points.Select(point => point.X)), 8, tight: true);
        var y = Scale.Cover(chart.Lines.SelectMany(line => line.Points.Select(point => point.Y)), 6);
        var svg = Begin(chart.Title, chart.YLabel, y);
        foreach (var (value, label) in x.Ticks())
        {
            svg.AppendLine(
                $"<line x1='{At(X(value))}' x2='{At(X(value))}' y1='{At(Height - Bottom)}' y2='{At(Height - Bottom + 6)}' "
                    + $"stroke='{Faint}'/>");
            svg.AppendLine(Text(X(value), Height - Bottom + 26, label, "middle", 15, Faint));
        }
        svg.AppendLine(Text((Left + Width - Right) / 2, Height - 18, chart.XLabel, "middle", 17, Ink));
        for (var i = 0; i < chart.Lines.Count; i++)
        {
            var points = string.Join(' ', chart.Lines[i].Points.Select(point => $"{At(X(point.X))},{At(Y(y, point.Y))}"));
            svg.AppendLine(
                $"<polyline points='{points}' fill='none' stroke='{Colour(i)}' stroke-width='3' stroke-linejoin='round' "
                    + $"stroke-linecap='round'{(chart.Lines[i].Dashed ? " stroke-dasharray='9 7'" : "")}/>");
        }
        return End(svg, [.. chart.Lines.Select(line => (line.Name, line.Dashed))],
            chart.Lines.Max(line => line.Points.Count > 0 ? y.Share(line.Points[0].Y) : 0) < 0.5);
        double X(double value) => Left + x.Share(value) * (Width - Left - Right);
    }

    /// <summary>Draws a bar chart.</summary>
    public static string Draw(BarChart chart)
    {
        var y = Scale.Cover(chart.Groups.SelectMany(group => group.Values).Append(0), 6);
        var svg = Begin(chart.Title, chart.YLabel, y);
        var room = (Width - Left - Right) / chart.Groups.Count;
        var bar = Math.Min(72, room * 0.8 / chart.Series.Count);
        for (var g = 0; g < chart.Groups.Count; g++)
        {
            var middle = Left + (g + 0.5) * room;
            svg.AppendLine(Text(middle, Height - Bottom + 28, chart.Groups[g].Name, "middle", 15, Ink));
            for (var i = 0; i < chart.Groups[g].Values.Count; i++)
            {
                var value = chart.Groups[g].Values[i];
                if (!double.IsFinite(value))
                    continue;
                var (left, top, zero) = (middle + (i - chart.Series.Count / 2.0) * bar, Y(y, Math.Max(value, 0)), Y(y, 0));
                svg.AppendLine(
                    $"<rect x='{At(left + 1)}' y='{At(top)}' width='{At(bar - 2)}' height='{At(Math.Abs(Y(y, value) - zero))}' rx='2' "
                        + $"fill='{Colour(i)}'/>");
                if (bar >= 30)
                    svg.AppendLine(
                        Text(left + bar / 2, top - 6, value.ToString(Math.Abs(value) >= 100 ? "0" : "0.0##"), "middle", 13, Ink));
            }
        }
        return End(svg, chart.Series.Count > 1 ? [.. chart.Series.Select(name => (name, false))] : [], atTop: true);
    }

    private static StringBuilder Begin(string title, string yLabel, Scale y, double right = Right)
    {
        var svg = new StringBuilder();
        svg.AppendLine(
            $"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {Width} {Height}' width='{Width}' height='{Height}' "
                + $"font-family='Inter, Segoe UI, Helvetica, Arial, sans-serif'>");
        svg.AppendLine($"<rect width='{Width}' height='{Height}' fill='white'/>");
        svg.AppendLine(Text(Left, 36, title, "start", 22, Ink, "600"));
        foreach (var (value, label) in y.Ticks())
        {
            svg.AppendLine(
                $"<line x1='{At(Left)}' x2='{At(Width - right)}' y1='{At(Y(y, value))}' y2='{At(Y(y, value))}' stroke='{Grid}'/>");
            svg.AppendLine(Text(Left - 12, Y(y, value) + 5, label, "end", 15, Faint));
        }
        svg.AppendLine(
            $"<line x1='{At(Left)}' x2='{At(Width - right)}' y1='{At(Height - Bottom)}' y2='{At(Height - Bottom)}' stroke='{Faint}'/>");
        svg.AppendLine(
            $"<text transform='translate(28 {At((Top + Height - Bottom) / 2)}) rotate(-90)' text-anchor='middle' font-size='17' "
                + $"fill='{Ink}'>{SecurityElement.Escape(yLabel)}</text>");
        return svg;
    }

    /// <summary>The legend, in the corner where lines that rise or fall leave room.</summary>
    private static string End(StringBuilder svg, IReadOnlyList<(string Name, bool Dashed)> legend, bool atTop)
    {
        if (legend.Count > 0)
        {
            var widest = legend.Max(entry => entry.Name.Length) * 8.6 + 60;
            var (left, top) = (atTop ? Left + 16 : Width - Right - widest, Top + 6.0);
            svg.AppendLine(
                $"<rect x='{At(left)}' y='{At(top)}' width='{At(widest)}' height='{At(legend.Count * 24 + 12)}' rx='6' fill='white' "
                    + $"fill-opacity='0.88' stroke='{Grid}'/>");
            for (var i = 0; i < legend.Count; i++)
            {
                var y = top + 19 + i * 24;
                svg.AppendLine(
                    $"<line x1='{At(left + 12)}' x2='{At(left + 40)}' y1='{At(y)}' y2='{At(y)}' stroke='{Colour(i)}' "
                        + $"stroke-width='4'{(legend[i].Dashed ? " stroke-dasharray='9 7'" : "")}/>");
                svg.AppendLine(Text(left + 50, y + 5, legend[i].Name, "start", 15, Ink));
            }
        }
        return svg.AppendLine("</svg>").ToString();
    }

    private static double Y(Scale y, double value) => Height - Bottom - y.Share(value) * (Height - Top - Bottom);

    private static string Colour(int i) => Colours[i % Colours.Length];

    private static string At(double value) => value.ToString("0.##");

    private static string Text(double x, double y, string text, string anchor, int size, string colour, string weight = "400") =>
        $"<text x='{At(x)}' y='{At(y)}' text-anchor='{anchor}' font-size='{size}' font-weight='{weight}' "
            + $"fill='{colour}'>{SecurityElement.Escape(text)}</text>";
}
