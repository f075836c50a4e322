using System.Runtime.Intrinsics;

namespace FedLora.Training.Privacy;

/// <summary>Sums of single-precision numbers in double precision.</summary>
internal static class WideSums
{
    /// <summary>sum x_k^2.</summary>
    public static double OfSquares(ReadOnlySpan<float> x)
    {
        var (low, high, i) = (Vector512<double>.Zero, Vector512<double>.Zero, 0);
        for (; i + Vector512<float>.Count <= x.Length; i += Vector512<float>.Count)
        {
            var (a, b) = Vector512.Widen(Vector512.Create(x[i..]));
            (low, high) = (low + (a * a), high + (b * b));
        }
        var sum = Vector512.Sum(low + high);
        for (; i < x.Length; i++)
            sum += (double)x[i] * x[i];
        return sum;
    }

    /// <summary>sum_k += factor x_k.</summary>
    public static void AddScaled(ReadOnlySpan<float> x, double factor, Span<double> sum)
    {
        var (scale, half, i) = (Vector512.Create(factor), Vector512<double>.Count, 0);
        for (; i + (2 * half) <= x.Length; i += 2 * half)
        {
            var (a, b) = Vector512.Widen(Vector512.Create(x[i..]));
            (Vector512.Create<double>(sum[i..]) + (a * scale)).CopyTo(sum[i..]);
            (Vector512.Create<double>(sum[(i + half)..]) + (b * scale)).CopyTo(sum[(i + half)..]);
        }
        for (; i < x.Length; i++)
            sum[i] += factor * x[i];
    }
}
