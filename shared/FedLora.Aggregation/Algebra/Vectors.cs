using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>
/// Loops over long rows. Results do not depend on the machine: sums run in fixed lanes, products are fused
/// (<c>FusedMultiplyAdd</c>, correctly rounded everywhere), and only + - * / and sqrt are used. Compiled at once, since a server aggregates
/// too seldom for the runtime to notice that these are hot.
/// </summary>
internal static partial class Vectors
{
    private const int Lanes = 8;

    /// <summary>sum += f0 x0 + f1 x1 + f2 x2 + f3 x3, in that order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(double f0, ReadOnlySpan<double> x0, double f1, ReadOnlySpan<double> x1, double f2, ReadOnlySpan<double> x2,
        double f3, ReadOnlySpan<double> x3, Span<double> sum)
    {
        ref var p0 = ref MemoryMarshal.GetReference(x0[..sum.Length]);
        ref var p1 = ref MemoryMarshal.GetReference(x1[..sum.Length]);
        ref var p2 = ref MemoryMarshal.GetReference(x2[..sum.Length]);
        ref var p3 = ref MemoryMarshal.GetReference(x3[..sum.Length]);
        ref var y = ref MemoryMarshal.GetReference(sum);
        var (v0, v1, v2, v3) = (Vector512.Create(f0), Vector512.Create(f1), Vector512.Create(f2), Vector512.Create(f3));
        var i = 0;
        for (; i <= sum.Length - Lanes; i += Lanes)
        {
            var s = Vector512.FusedMultiplyAdd(v0, Load(ref p0, i), Load(ref y, i));
            s = Vector512.FusedMultiplyAdd(v1, Load(ref p1, i), s);
            s = Vector512.FusedMultiplyAdd(v2, Load(ref p2, i), s);
            Vector512.FusedMultiplyAdd(v3, Load(ref p3, i), s).StoreUnsafe(ref y, (nuint)i);
        }
        for (; i < sum.Length; i++)
            sum[i] = Math.FusedMultiplyAdd(f3, x3[i],
                Math.FusedMultiplyAdd(f2, x2[i], Math.FusedMultiplyAdd(f1, x1[i], Math.FusedMultiplyAdd(f0, x0[i], sum[i]))));
    }

    /// <summary>sum += factor * values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(double factor, ReadOnlySpan<double> values, Span<double> sum)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(sum[..values.Length]);
        var f = Vector512.Create(factor);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
            Vector512.FusedMultiplyAdd(f, Vector512.LoadUnsafe(ref x, (nuint)i), Vector512.LoadUnsafe(ref y, (nuint)i))
                .StoreUnsafe(ref y, (nuint)i);
        for (; i < values.Length; i++)
            sum[i] = Math.FusedMultiplyAdd(factor, values[i], sum[i]);
    }

    /// <summary>
    /// sum += f_0 x_0 + f_1 x_1 + ..., in that order, of all x at once: memory is read the faster the more is read side by side.
    /// </summary>
    /// <param name="factors">One for each x.</param>
    /// <param name="values">x, each from <paramref name="start"/> on at least as long as the sum.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(ReadOnlySpan<double> factors, ReadOnlySpan<ReadOnlyMemory<float>> values, int start, Span<double> sum)
    {
        const int Line = 4 * Lanes;
        ref var y = ref MemoryMarshal.GetReference(sum);
        var i = 0;
        for (; i <= sum.Length - Line; i += Line)
        {
            var (s0, s1, s2, s3) = (Load(ref y, i), Load(ref y, i + Lanes), Load(ref y, i + (2 * Lanes)), Load(ref y, i + (3 * Lanes)));
            for (var k = 0; k < values.Length; k++)
            {
                ref var x = ref MemoryMarshal.GetReference(values[k].Span.Slice(start + i, Line));
                var f = Vector512.Create(factors[k]);
                s0 = Vector512.FusedMultiplyAdd(f, Widen8(ref x, 0), s0);
                s1 = Vector512.FusedMultiplyAdd(f, Widen8(ref x, Lanes), s1);
                s2 = Vector512.FusedMultiplyAdd(f, Widen8(ref x, 2 * Lanes), s2);
                s3 = Vector512.FusedMultiplyAdd(f, Widen8(ref x, 3 * Lanes), s3);
            }
            s0.StoreUnsafe(ref y, (nuint)i);
            s1.StoreUnsafe(ref y, (nuint)(i + Lanes));
            s2.StoreUnsafe(ref y, (nuint)(i + (2 * Lanes)));
            s3.StoreUnsafe(ref y, (nuint)(i + (3 * Lanes)));
        }
        for (; i < sum.Length; i++)
        {
            for (var k = 0; k < values.Length; k++)
                sum[i] = Math.FusedMultiplyAdd(factors[k], values[k].Span[start + i], sum[i]);
        }
    }

    /// <summary>(p, q) becomes (c p - s q, s p + c q).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(double factor, Span<double> values)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        var f = Vector512.Create(factor);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
            (f * Load(ref x, i)).StoreUnsafe(ref x, (nuint)i);
        for (; i < values.Length; i++)
            values[i] *= factor;
    }

    /// <summary>The first place of the largest magnitude; no value is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Largest(ReadOnlySpan<double> values)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        var (i, lanes, largest) = (0, Vector512<double>.Zero, 0.0);
        for (; i <= values.Length - Lanes; i += Lanes)
            lanes = Vector512.Max(lanes, Vector512.Abs(Load(ref x, i)));
        for (; i < values.Length; i++)
            largest = Math.Max(largest, Math.Abs(values[i]));
        for (var lane = 0; lane < Lanes; lane++)
            largest = Math.Max(largest, lanes.GetElement(lane));
        i = 0;
        while (i < values.Length - 1 && Math.Abs(values[i]) < largest)
            i++;
        return i;
    }

    /// <summary>Whether the value of largest magnitude, the first of equals, is above 0; no value is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool IsLargestPositive(ReadOnlySpan<float> values)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        var (i, least, most) = (0, 0.0f, 0.0f);
        var (low, high) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            var v = Vector256.LoadUnsafe(ref x, (nuint)i);
            (low, high) = (Vector256.Min(low, v), Vector256.Max(high, v));
        }
        for (; i < values.Length; i++)
            (least, most) = (Math.Min(least, values[i]), Math.Max(most, values[i]));
        for (var lane = 0; lane < Lanes; lane++)
            (least, most) = (Math.Min(least, low.GetElement(lane)), Math.Max(most, high.GetElement(lane)));
        return most > -least || (most == -least && most > 0 && values.IndexOf(most) < values.IndexOf(least));
    }

    /// <summary>values *= -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Negate(Span<float> values)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
            (-Vector256.LoadUnsafe(ref x, (nuint)i)).StoreUnsafe(ref x, (nuint)i);
        for (; i < values.Length; i++)
            values[i] = -values[i];
    }

    /// <summary>Whether all are neither NaN nor infinite: no exponent is all ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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

    /// <inheritdoc cref="IsFinite(ReadOnlySpan{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool IsFinite(ReadOnlySpan<double> values)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        var (i, largest) = (0, Vector256.Create(double.MaxValue));
        var (a, b) = (Vector256<double>.AllBitsSet, Vector256<double>.AllBitsSet);
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            a &= Vector256.LessThanOrEqual(Vector256.Abs(Vector256.LoadUnsafe(ref x, (nuint)i)), largest);
            b &= Vector256.LessThanOrEqual(Vector256.Abs(Vector256.LoadUnsafe(ref x, (nuint)i + 4)), largest);
        }
        if ((a & b).AsUInt64() != Vector256<ulong>.AllBitsSet)
            return false;
        for (; i < values.Length; i++)
        {
            if (!double.IsFinite(values[i]))
                return false;
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Load(ref double first, int index) => Vector512.LoadUnsafe(ref first, (nuint)index);

    // Eight float32 as float64.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Widen8(ref float first, int index) =>
        Vector512.WidenLower(Vector256.LoadUnsafe(ref first, (nuint)index).ToVector512Unsafe());

    // Four float32 as float64.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Widen(ref float first, int index) =>
        Vector256.WidenLower(Vector128.LoadUnsafe(ref first, (nuint)index).ToVector256Unsafe());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Sum(Vector256<double> lanes)
    {
        var half = lanes.GetLower() + lanes.GetUpper();
        return half.ToScalar() + half.GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Sum(Vector512<double> lanes)
    {
        var half = lanes.GetLower() + lanes.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        return quarter.ToScalar() + quarter.GetElement(1);
    }
}
