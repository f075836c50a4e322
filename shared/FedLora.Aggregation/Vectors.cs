using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>
/// Loops over long rows. Results do not depend on the machine: sums run in eight fixed lanes, and products are fused
/// (<c>FusedMultiplyAdd</c>) everywhere or nowhere.
/// </summary>
internal static class Vectors
{
    private const int Lanes = 8;

    /// <summary>sum += weight * values.</summary>
    public static void AddScaled(double weight, ReadOnlySpan<float> values, Span<double> sum)
    {
        var factor = Vector512.Create(weight);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            var widened = Widen(values.Slice(i, Lanes));
            Vector512.FusedMultiplyAdd(factor, widened, Vector512.Create<double>(sum.Slice(i, Lanes))).CopyTo(sum[i..]);
        }
        for (; i < values.Length; i++)
            sum[i] = Math.FusedMultiplyAdd(weight, values[i], sum[i]);
    }

    /// <summary>Rounds to the nearest float32.</summary>
    public static float[] Round(ReadOnlySpan<double> values)
    {
        var rounded = new float[values.Length];
        for (var i = 0; i < values.Length; i++)
            rounded[i] = (float)values[i];
        return rounded;
    }

    /// <summary>Whether all are neither NaN nor infinite: no exponent is all ones.</summary>
    public static bool IsFinite(ReadOnlySpan<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var (i, width, largest) = (0, Vector<uint>.Count, Vector<uint>.Zero);
        for (; i <= bits.Length - width; i += width)
            largest = Vector.Max(largest, new Vector<uint>(bits.Slice(i, width)) & new Vector<uint>(0x7F80_0000));
        if (Vector.GreaterThanOrEqualAny(largest, new Vector<uint>(0x7F80_0000)))
            return false;
        for (; i < bits.Length; i++)
        {
            if (!float.IsFinite(values[i]))
                return false;
        }
        return true;
    }

    private static Vector512<double> Widen(ReadOnlySpan<float> values)
    {
        var (lower, upper) = Vector256.Widen(Vector256.Create(values));
        return Vector512.Create(lower, upper);
    }
}
