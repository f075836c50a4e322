using System.Globalization;
using System.Net;
using System.Text;
using FedLora.Cli.Output;

namespace FedLora.Cli.Demo;

/// <summary>Accuracy against bytes, one dot per method; the larger a dot, the larger the method's aggregation error. An SVG file.</summary>
internal static class ComparePicture
{
    private const double Width = 960;
    private const double Height = 540;
    private const double Left = 80;
    private const double Right = 220;
    private const double Top = 60;
    private const double Bottom = 70;

    internal static string Draw(IReadOnlyList<MethodResult> results)
    {
        var bytes = results.Select(result => (double)(result.BytesUpPerNode + result.BytesDownPerNode)).ToList();
        var (fromX, toX) = (Math.Log10(bytes.Min()) - 0.1, Math.Log10(bytes.Max()) + 0.1);
        var (fromY, toY) = (Math.Floor((results.Min(result => result.Accuracy) * 100) - 0.5), Math.Ceiling((results.Max(result => result.Accuracy) * 100) + 0.5));
        var svg = new StringBuilder();
        Line(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {N(Width)} {N(Height)}\" font-family=\"sans-serif\" font-size=\"14\">");
        Line(svg, "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>");
        Text(svg, Left, 32, "start", "Held-out accuracy against bytes per node and round (up and down, on the socket)", 18);
        for (var percent = fromY; percent <= toY; percent += Math.Max(1, Math.Round((toY - fromY) / 8)))
        {
            Line(svg, $"<line x1=\"{N(Left)}\" x2=\"{N(Width - Right)}\" y1=\"{N(Y(percent))}\" y2=\"{N(Y(percent))}\" stroke=\"#ddd\"/>");
            Text(svg, Left - 8, Y(percent) + 5, "end", $"{percent:0} %");
        }
        for (var power = Math.Ceiling(fromX * 3) / 3; power <= toX; power += 1.0 / 3)
        {
            Line(svg, $"<line y1=\"{N(Top)}\" y2=\"{N(Height - Bottom)}\" x1=\"{N(X(power))}\" x2=\"{N(X(power))}\" stroke=\"#ddd\"/>");
            Text(svg, X(power), Height - Bottom + 22, "middle", Units.Bytes(Math.Pow(10, power)));
        }
        Labels(svg, results);
        Text(svg, Left, Height - 18, "start", "Size of a dot: relative error of the aggregated product (hollow: not defined, every node keeps its own).", 13);
        Line(svg, "</svg>");
        return svg.ToString();

        double X(double power) => Left + ((power - fromX) / (toX - fromX) * (Width - Left - Right));
        double Y(double percent) => Height - Bottom - ((percent - fromY) / (toY - fromY) * (Height - Top - Bottom));

        void Labels(StringBuilder to, IReadOnlyList<MethodResult> dots)
        {
            var y = Top;
            foreach (var dot in dots.OrderByDescending(dot => dot.Accuracy).ThenBy(dot => dot.Method, StringComparer.Ordinal))
            {
                var (x, at) = (X(Math.Log10(dot.BytesUpPerNode + dot.BytesDownPerNode)), Y(dot.Accuracy * 100));
                var radius = 5 + (10 * Math.Sqrt(Math.Min(1, dot.AggregationError ?? 0)));
                Line(to, $"<line x1=\"{N(x)}\" y1=\"{N(at)}\" x2=\"{N(Width - Right + 14)}\" y2=\"{N(y - 5)}\" stroke=\"#bbb\" stroke-width=\"0.7\"/>");
                Line(to, $"<circle cx=\"{N(x)}\" cy=\"{N(at)}\" r=\"{N(radius)}\" fill=\"{(dot.AggregationError is null ? "white" : "#2563a8")}\" fill-opacity=\"0.8\" stroke=\"#2563a8\"/>");
                Text(to, Width - Right + 18, y, "start", $"{dot.Method}  {Units.Percent(dot.Accuracy)}");
                y += (Height - Top - Bottom) / Math.Max(1, dots.Count);
            }
        }
    }

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text, double size = 14) =>
        Line(svg, $"<text x=\"{N(x)}\" y=\"{N(y)}\" text-anchor=\"{anchor}\" font-size=\"{N(size)}\">{WebUtility.HtmlEncode(text)}</text>");

    private static void Line(StringBuilder svg, string text) => svg.Append(text).Append('\n');

    private static string N(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
