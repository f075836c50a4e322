using System.Security;
using System.Text;

namespace FedLora.Cli.Plots;

/// <content>Square matrices of counts, each cell as dark as its share of its row.</content>
public static partial class SvgChart
{
    private const double MatrixLeft = 240, MatrixTop = 96, MatrixBottom = 24, LongestName = 22, RoomForText = 17;

    /// <summary>Draws a matrix of counts; counts and names are written where there is room.</summary>
    public static string Draw(MatrixChart chart)
    {
        var (count, side) = (chart.Names.Count, Height - MatrixTop - MatrixBottom);
        var cell = side / count;
        var svg = new StringBuilder();
        svg.AppendLine(
            $"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {Width} {Height}' width='{Width}' height='{Height}' "
                + $"font-family='Inter, Segoe UI, Helvetica, Arial, sans-serif'>");
        svg.AppendLine($"<rect width='{Width}' height='{Height}' fill='white'/>");
        svg.AppendLine(Text(28, 36, chart.Title, "start", 22, Ink, "600"));
        svg.AppendLine(Text(MatrixLeft + (side / 2), 64, chart.ColumnLabel, "middle", 17, Ink));
        svg.AppendLine(
            $"<text transform='translate(28 {At(MatrixTop + (side / 2))}) rotate(-90)' text-anchor='middle' font-size='17' "
                + $"fill='{Ink}'>{SecurityElement.Escape(chart.RowLabel)}</text>");
        for (var row = 0; row < count; row++)
        {
            var all = chart.Counts[row].Sum();
            if (cell >= RoomForText)
            {
                svg.AppendLine(Text(MatrixLeft - 10, MatrixTop + ((row + 0.5) * cell) + 5, Short(chart.Names[row], LongestName), "end", 14,
                    Faint));
                svg.AppendLine(
                    Text(MatrixLeft + ((row + 0.5) * cell), MatrixTop - 10, Short(chart.Names[row], cell / 8), "middle", 14, Faint));
            }
            for (var column = 0; column < count; column++)
                Cell(svg, MatrixLeft + (column * cell), MatrixTop + (row * cell), cell, chart.Counts[row][column], all);
        }
        return svg.AppendLine("</svg>").ToString();
    }

    private static void Cell(StringBuilder svg, double x, double y, double size, long value, long all)
    {
        var share = all == 0 ? 0 : (double)value / all;
        svg.AppendLine(
            $"<rect x='{At(x)}' y='{At(y)}' width='{At(size)}' height='{At(size)}' fill='{Colours[0]}' fill-opacity='{At(share)}' "
                + $"stroke='{Grid}'/>");
        if (size < 2 * RoomForText || value == 0)
            return;
        var ink = share > 0.55 ? "white" : Ink;
        svg.AppendLine(Text(x + (size / 2), y + (size / 2) + 5, $"{value}", "middle", 15, ink));
        if (size >= 4 * RoomForText)
            svg.AppendLine(Text(x + (size / 2), y + (size / 2) + 24, $"{100 * share:0.0} %", "middle", 12, ink));
    }

    private static string Short(string name, double most) => name.Length <= most ? name : name[..Math.Max(1, (int)most - 1)] + "…";
}
