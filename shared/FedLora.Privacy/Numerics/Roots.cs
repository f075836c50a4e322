namespace FedLora.Privacy.Numerics;

/// <summary>Roots of monotone functions by bisection: never fooled by kinks or steps.</summary>
internal static class Roots
{
    /// <summary>
    /// The place in [low, high] where <paramref name="isAbove"/> turns from false to true, to the last few units; <paramref name="high"/>
    /// if it never does.
    /// </summary>
    public static double Bisect(double low, double high, Func<double, bool> isAbove, double relative = 1e-15, int limit = 200)
    {
        for (var i = 0; i < limit && high - low > relative * Math.Max(Math.Abs(low), Math.Abs(high)); i++)
        {
            var middle = low + (high - low) / 2;
            if (middle <= low || middle >= high)
                break;
            if (isAbove(middle))
                high = middle;
            else
                low = middle;
        }
        return high;
    }
}
