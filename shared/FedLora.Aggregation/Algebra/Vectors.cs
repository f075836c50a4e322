using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>
/// Loops over long rows. Results do not depend on the machine: sums run in fixed lanes, products are fused
/// (<c>FusedMultiplyAdd</c>, correctly rounded everywhere), and only + - * / and sqrt are used.
/// </summary>
internal static class Vectors
{
    private const int Lanes = 8;

    /// <summary>sum_i a_i b_i.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        ref var x = ref MemoryMarshal.GetReference(a);
        ref var y = ref MemoryMarshal.GetReference(b[..a.Length]);
        var (s0, s1) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var i = 0;
        for (; i <= a.Length - (2 * Lanes); i += 2 * Lanes)
        {
            s0 = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref x, (nuint)i), Vector512.LoadUnsafe(ref y, (nuint)i), s0);
            s1 = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref x, (nuint)i + Lanes), Vector512.LoadUnsafe(ref y, (nuint)i + Lanes), s1);
        }
        s0 += s1;
        if (i <= a.Length - Lanes)
        {
            s0 = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref x, (nuint)i), Vector512.LoadUnsafe(ref y, (nuint)i), s0);
            i += Lanes;
        }
        var half = s0.GetLower() + s0.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        var sum = quarter.ToScalar() + quarter.GetElement(1);
        for (; i < a.Length; i++)
            sum = Math.FusedMultiplyAdd(a[i], b[i], sum);
        return sum;
    }

    /// <summary>sum += factor * values.</summary>
    public static void AddScaled(double factor, ReadOnlySpan<double> values, Span<double> sum)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(sum[..values.Length]);
        var f = Vector512.Create(factor);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
            Vector512.FusedMultiplyAdd(f, Vector512.LoadUnsafe(ref x, (nuint)i), Vector512.LoadUnsafe(ref y, (nuint)i)).StoreUnsafe(ref y, (nuint)i);
        for (; i < values.Length; i++)
            sum[i] = Math.FusedMultiplyAdd(factor, values[i], sum[i]);
    }

    /// <summary>sum += factor * values.</summary>
    public static void AddScaled(double factor, ReadOnlySpan<float> values, Span<double> sum)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(sum[..values.Length]);
        var f = Vector512.Create(factor);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            var (lower, upper) = Vector256.Widen(Vector256.LoadUnsafe(ref x, (nuint)i));
            Vector512.FusedMultiplyAdd(f, Vector512.Create(lower, upper), Vector512.LoadUnsafe(ref y, (nuint)i)).StoreUnsafe(ref y, (nuint)i);
        }
        for (; i < values.Length; i++)
            sum[i] = Math.FusedMultiplyAdd(factor, values[i], sum[i]);
    }

    /// <summary>(p, q) becomes (c p - s q, s p + c q).</summary>
    public static void Rotate(Span<double> p, Span<double> q, double c, double s)
    {
        ref var x = ref MemoryMarshal.GetReference(p);
        ref var y = ref MemoryMarshal.GetReference(q[..p.Length]);
        var (cs, sn) = (Vector512.Create(c), Vector512.Create(s));
        var i = 0;
        for (; i <= p.Length - Lanes; i += Lanes)
        {
            var (a, b) = (Vector512.LoadUnsafe(ref x, (nuint)i), Vector512.LoadUnsafe(ref y, (nuint)i));
            Vector512.FusedMultiplyAdd(cs, a, -(sn * b)).StoreUnsafe(ref x, (nuint)i);
            Vector512.FusedMultiplyAdd(sn, a, cs * b).StoreUnsafe(ref y, (nuint)i);
        }
        for (; i < p.Length; i++)
        {
            var (a, b) = (p[i], q[i]);
            p[i] = Math.FusedMultiplyAdd(c, a, -(s * b));
            q[i] = Math.FusedMultiplyAdd(s, a, c * b);
        }
    }

    /// <summary>values *= factor.</summary>
    public static void Scale(double factor, Span<double> values)
    {
        for (var i = 0; i < values.Length; i++)
            values[i] *= factor;
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
}
