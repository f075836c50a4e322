namespace FedLora.Privacy.Numerics;

/// <summary>
/// Gauss-Legendre rules on an interval: positive weights, so that sums of positive terms keep their relative accuracy. Four nodes
/// for intervals that are narrow beside the integrand's scale, ten for others.
/// </summary>
internal static class GaussLegendre
{
    private static readonly double[] Nodes4 = [-0.86113631159405257522, -0.33998104358485626480, 0.33998104358485626480,
        0.86113631159405257522];
    private static readonly double[] Weights4 = [0.34785484513745385737, 0.65214515486254614263, 0.65214515486254614263,
        0.34785484513745385737];

    private static readonly double[] Nodes10 =
    [
        -0.97390652851717172008, -0.86506336668898451073, -0.67940956829902440623, -0.43339539412924719080, -0.14887433898163121088,
        0.14887433898163121088, 0.43339539412924719080, 0.67940956829902440623, 0.86506336668898451073, 0.97390652851717172008,
    ];

    private static readonly double[] Weights10 =
    [
        0.06667134430868813759, 0.14945134915058059315, 0.21908636251598204400, 0.26926671930999635509, 0.29552422471475287017,
        0.29552422471475287017, 0.26926671930999635509, 0.21908636251598204400, 0.14945134915058059315, 0.06667134430868813759,
    ];

    /// <summary>
    /// The nodes and weights on [-1, 1] that suit an interval of <paramref name="width"/> for an integrand of scale
    /// <paramref name="scale"/>.
    /// </summary>
    public static (double[] Nodes, double[] Weights) Rule(double width, double scale) =>
        width <= 0.05 * scale ? (Nodes4, Weights4) : (Nodes10, Weights10);

    /// <summary>Into how many equal panels an interval is cut, so that each is at most <paramref name="scale"/> wide.</summary>
    public static int Panels(double width, double scale) => Math.Max(1, (int)Math.Ceiling(width / scale));
}
