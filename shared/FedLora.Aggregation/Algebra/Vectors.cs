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
internal static class Vectors
{
    private const int Lanes = 8;

    /// <summary>sum_i a_i b_i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        ref var x = ref MemoryMarshal.GetReference(a);
        ref var y = ref MemoryMarshal.GetReference(b[..a.Length]);
        var (s0, s1, s2, s3) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var i = 0;
        for (; i <= a.Length - (4 * Lanes); i += 4 * Lanes)
        {
            s0 = Vector512.FusedMultiplyAdd(Load(ref x, i), Load(ref y, i), s0);
            s1 = Vector512.FusedMultiplyAdd(Load(ref x, i + Lanes), Load(ref y, i + Lanes), s1);
            s2 = Vector512.FusedMultiplyAdd(Load(ref x, i + (2 * Lanes)), Load(ref y, i + (2 * Lanes)), s2);
            s3 = Vector512.FusedMultiplyAdd(Load(ref x, i + (3 * Lanes)), Load(ref y, i + (3 * Lanes)), s3);
        }
        s0 = s0 + s1 + (s2 + s3);
        for (; i <= a.Length - Lanes; i += Lanes)
            s0 = Vector512.FusedMultiplyAdd(Load(ref x, i), Load(ref y, i), s0);
        var sum = Sum(s0);
        for (; i < a.Length; i++)
            sum = Math.FusedMultiplyAdd(a[i], b[i], sum);
        return sum;
    }

    /// <summary>The eight inner products of two vectors with four others, those of the first before those of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dot2x4(ReadOnlySpan<float> a0, ReadOnlySpan<float> a1, ReadOnlySpan<double> b0, ReadOnlySpan<double> b1,
        ReadOnlySpan<double> b2, ReadOnlySpan<double> b3, Span<double> products)
    {
        ref var x0 = ref MemoryMarshal.GetReference(a0);
        ref var x1 = ref MemoryMarshal.GetReference(a1[..a0.Length]);
        ref var y0 = ref MemoryMarshal.GetReference(b0[..a0.Length]);
        ref var y1 = ref MemoryMarshal.GetReference(b1[..a0.Length]);
        ref var y2 = ref MemoryMarshal.GetReference(b2[..a0.Length]);
        ref var y3 = ref MemoryMarshal.GetReference(b3[..a0.Length]);
        var (s00, s01, s02, s03) = (Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero);
        var (s10, s11, s12, s13) = (Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero);
        var i = 0;
        for (; i <= a0.Length - 4; i += 4)
        {
            var (p, q) = (Widen(ref x0, i), Widen(ref x1, i));
            var r = Vector256.LoadUnsafe(ref y0, (nuint)i);
            s00 = Vector256.FusedMultiplyAdd(p, r, s00);
            s10 = Vector256.FusedMultiplyAdd(q, r, s10);
            r = Vector256.LoadUnsafe(ref y1, (nuint)i);
            s01 = Vector256.FusedMultiplyAdd(p, r, s01);
            s11 = Vector256.FusedMultiplyAdd(q, r, s11);
            r = Vector256.LoadUnsafe(ref y2, (nuint)i);
            s02 = Vector256.FusedMultiplyAdd(p, r, s02);
            s12 = Vector256.FusedMultiplyAdd(q, r, s12);
            r = Vector256.LoadUnsafe(ref y3, (nuint)i);
            s03 = Vector256.FusedMultiplyAdd(p, r, s03);
            s13 = Vector256.FusedMultiplyAdd(q, r, s13);
        }
        (products[0], products[1], products[2], products[3]) = (Sum(s00), Sum(s01), Sum(s02), Sum(s03));
        (products[4], products[5], products[6], products[7]) = (Sum(s10), Sum(s11), Sum(s12), Sum(s13));
        for (; i < a0.Length; i++)
        {
            products[0] = Math.FusedMultiplyAdd(a0[i], b0[i], products[0]);
            products[1] = Math.FusedMultiplyAdd(a0[i], b1[i], products[1]);
            products[2] = Math.FusedMultiplyAdd(a0[i], b2[i], products[2]);
            products[3] = Math.FusedMultiplyAdd(a0[i], b3[i], products[3]);
            products[4] = Math.FusedMultiplyAdd(a1[i], b0[i], products[4]);
            products[5] = Math.FusedMultiplyAdd(a1[i], b1[i], products[5]);
            products[6] = Math.FusedMultiplyAdd(a1[i], b2[i], products[6]);
            products[7] = Math.FusedMultiplyAdd(a1[i], b3[i], products[7]);
        }
    }

    /// <summary>
    /// The sixteen inner products of four vectors with four others, row by row: half a load for each product of two lanes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dot4x4(ReadOnlySpan<double> a0, ReadOnlySpan<double> a1, ReadOnlySpan<double> a2, ReadOnlySpan<double> a3,
        ReadOnlySpan<double> b0, ReadOnlySpan<double> b1, ReadOnlySpan<double> b2, ReadOnlySpan<double> b3, Span<double> products)
    {
        ref var x0 = ref MemoryMarshal.GetReference(a0[..a0.Length]);
        ref var x1 = ref MemoryMarshal.GetReference(a1[..a0.Length]);
        ref var x2 = ref MemoryMarshal.GetReference(a2[..a0.Length]);
        ref var x3 = ref MemoryMarshal.GetReference(a3[..a0.Length]);
        ref var y0 = ref MemoryMarshal.GetReference(b0[..a0.Length]);
        ref var y1 = ref MemoryMarshal.GetReference(b1[..a0.Length]);
        ref var y2 = ref MemoryMarshal.GetReference(b2[..a0.Length]);
        ref var y3 = ref MemoryMarshal.GetReference(b3[..a0.Length]);
        var (s00, s01, s02, s03) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var (s10, s11, s12, s13) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var (s20, s21, s22, s23) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var (s30, s31, s32, s33) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var i = 0;
        for (; i <= a0.Length - Lanes; i += Lanes)
        {
            var (q0, q1, q2, q3) = (Load(ref y0, i), Load(ref y1, i), Load(ref y2, i), Load(ref y3, i));
            var p = Load(ref x0, i);
            s00 = Vector512.FusedMultiplyAdd(p, q0, s00);
            s01 = Vector512.FusedMultiplyAdd(p, q1, s01);
            s02 = Vector512.FusedMultiplyAdd(p, q2, s02);
            s03 = Vector512.FusedMultiplyAdd(p, q3, s03);
            p = Load(ref x1, i);
            s10 = Vector512.FusedMultiplyAdd(p, q0, s10);
            s11 = Vector512.FusedMultiplyAdd(p, q1, s11);
            s12 = Vector512.FusedMultiplyAdd(p, q2, s12);
            s13 = Vector512.FusedMultiplyAdd(p, q3, s13);
            p = Load(ref x2, i);
            s20 = Vector512.FusedMultiplyAdd(p, q0, s20);
            s21 = Vector512.FusedMultiplyAdd(p, q1, s21);
            s22 = Vector512.FusedMultiplyAdd(p, q2, s22);
            s23 = Vector512.FusedMultiplyAdd(p, q3, s23);
            p = Load(ref x3, i);
            s30 = Vector512.FusedMultiplyAdd(p, q0, s30);
            s31 = Vector512.FusedMultiplyAdd(p, q1, s31);
            s32 = Vector512.FusedMultiplyAdd(p, q2, s32);
            s33 = Vector512.FusedMultiplyAdd(p, q3, s33);
        }
        (products[0], products[1], products[2], products[3]) = (Sum(s00), Sum(s01), Sum(s02), Sum(s03));
        (products[4], products[5], products[6], products[7]) = (Sum(s10), Sum(s11), Sum(s12), Sum(s13));
        (products[8], products[9], products[10], products[11]) = (Sum(s20), Sum(s21), Sum(s22), Sum(s23));
        (products[12], products[13], products[14], products[15]) = (Sum(s30), Sum(s31), Sum(s32), Sum(s33));
        for (; i < a0.Length; i++)
        {
            products[0] = Math.FusedMultiplyAdd(a0[i], b0[i], products[0]);
            products[1] = Math.FusedMultiplyAdd(a0[i], b1[i], products[1]);
            products[2] = Math.FusedMultiplyAdd(a0[i], b2[i], products[2]);
            products[3] = Math.FusedMultiplyAdd(a0[i], b3[i], products[3]);
            products[4] = Math.FusedMultiplyAdd(a1[i], b0[i], products[4]);
            products[5] = Math.FusedMultiplyAdd(a1[i], b1[i], products[5]);
            products[6] = Math.FusedMultiplyAdd(a1[i], b2[i], products[6]);
            products[7] = Math.FusedMultiplyAdd(a1[i], b3[i], products[7]);
            products[8] = Math.FusedMultiplyAdd(a2[i], b0[i], products[8]);
            products[9] = Math.FusedMultiplyAdd(a2[i], b1[i], products[9]);
            products[10] = Math.FusedMultiplyAdd(a2[i], b2[i], products[10]);
            products[11] = Math.FusedMultiplyAdd(a2[i], b3[i], products[11]);
            products[12] = Math.FusedMultiplyAdd(a3[i], b0[i], products[12]);
            products[13] = Math.FusedMultiplyAdd(a3[i], b1[i], products[13]);
            products[14] = Math.FusedMultiplyAdd(a3[i], b2[i], products[14]);
            products[15] = Math.FusedMultiplyAdd(a3[i], b3[i], products[15]);
        }
    }

    /// <summary>x_c -= tau (v . x_c) v for four columns, the reflections of a QR: v is loaded once for all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Reflect4(ReadOnlySpan<double> v, double tau, Span<double> x0, Span<double> x1, Span<double> x2, Span<double> x3)
    {
        ref var p = ref MemoryMarshal.GetReference(v);
        ref var y0 = ref MemoryMarshal.GetReference(x0[..v.Length]);
        ref var y1 = ref MemoryMarshal.GetReference(x1[..v.Length]);
        ref var y2 = ref MemoryMarshal.GetReference(x2[..v.Length]);
        ref var y3 = ref MemoryMarshal.GetReference(x3[..v.Length]);
        var (s0, s1, s2, s3) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var i = 0;
        for (; i <= v.Length - Lanes; i += Lanes)
        {
            var w = Load(ref p, i);
            s0 = Vector512.FusedMultiplyAdd(w, Load(ref y0, i), s0);
            s1 = Vector512.FusedMultiplyAdd(w, Load(ref y1, i), s1);
            s2 = Vector512.FusedMultiplyAdd(w, Load(ref y2, i), s2);
            s3 = Vector512.FusedMultiplyAdd(w, Load(ref y3, i), s3);
        }
        var (d0, d1, d2, d3) = (Sum(s0), Sum(s1), Sum(s2), Sum(s3));
        for (; i < v.Length; i++)
        {
            d0 = Math.FusedMultiplyAdd(v[i], x0[i], d0);
            d1 = Math.FusedMultiplyAdd(v[i], x1[i], d1);
            d2 = Math.FusedMultiplyAdd(v[i], x2[i], d2);
            d3 = Math.FusedMultiplyAdd(v[i], x3[i], d3);
        }
        (d0, d1, d2, d3) = (-tau * d0, -tau * d1, -tau * d2, -tau * d3);
        var (f0, f1, f2, f3) = (Vector512.Create(d0), Vector512.Create(d1), Vector512.Create(d2), Vector512.Create(d3));
        for (i = 0; i <= v.Length - Lanes; i += Lanes)
        {
            var w = Load(ref p, i);
            Vector512.FusedMultiplyAdd(f0, w, Load(ref y0, i)).StoreUnsafe(ref y0, (nuint)i);
            Vector512.FusedMultiplyAdd(f1, w, Load(ref y1, i)).StoreUnsafe(ref y1, (nuint)i);
            Vector512.FusedMultiplyAdd(f2, w, Load(ref y2, i)).StoreUnsafe(ref y2, (nuint)i);
            Vector512.FusedMultiplyAdd(f3, w, Load(ref y3, i)).StoreUnsafe(ref y3, (nuint)i);
        }
        for (; i < v.Length; i++)
        {
            x0[i] = Math.FusedMultiplyAdd(d0, v[i], x0[i]);
            x1[i] = Math.FusedMultiplyAdd(d1, v[i], x1[i]);
            x2[i] = Math.FusedMultiplyAdd(d2, v[i], x2[i]);
            x3[i] = Math.FusedMultiplyAdd(d3, v[i], x3[i]);
        }
    }

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

    /// <summary>sum += factor * values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(double factor, ReadOnlySpan<float> values, Span<double> sum)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(sum[..values.Length]);
        var f = Vector512.Create(factor);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
        {
            var (lower, upper) = Vector256.Widen(Vector256.LoadUnsafe(ref x, (nuint)i));
            Vector512.FusedMultiplyAdd(f, Vector512.Create(lower, upper), Vector512.LoadUnsafe(ref y, (nuint)i))
                .StoreUnsafe(ref y, (nuint)i);
        }
        for (; i < values.Length; i++)
            sum[i] = Math.FusedMultiplyAdd(factor, values[i], sum[i]);
    }

    /// <summary>sum += f0 x0 + f1 x1, in that order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(double f0, ReadOnlySpan<float> x0, double f1, ReadOnlySpan<float> x1, Span<double> sum)
    {
        ref var p0 = ref MemoryMarshal.GetReference(x0[..sum.Length]);
        ref var p1 = ref MemoryMarshal.GetReference(x1[..sum.Length]);
        ref var y = ref MemoryMarshal.GetReference(sum);
        var (v0, v1) = (Vector256.Create(f0), Vector256.Create(f1));
        var i = 0;
        for (; i <= sum.Length - Lanes; i += Lanes)
        {
            var (a0, b0) = Vector256.Widen(Vector256.LoadUnsafe(ref p0, (nuint)i));
            var (a1, b1) = Vector256.Widen(Vector256.LoadUnsafe(ref p1, (nuint)i));
            var s = Vector256.FusedMultiplyAdd(v0, a0, Vector256.LoadUnsafe(ref y, (nuint)i));
            var t = Vector256.FusedMultiplyAdd(v0, b0, Vector256.LoadUnsafe(ref y, (nuint)i + 4));
            Vector256.FusedMultiplyAdd(v1, a1, s).StoreUnsafe(ref y, (nuint)i);
            Vector256.FusedMultiplyAdd(v1, b1, t).StoreUnsafe(ref y, (nuint)i + 4);
        }
        for (; i < sum.Length; i++)
            sum[i] = Math.FusedMultiplyAdd(f1, x1[i], Math.FusedMultiplyAdd(f0, x0[i], sum[i]));
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

    /// <summary>Rounds to the nearest float32.</summary>
    public static float[] Round(ReadOnlySpan<double> values)
    {
        // Every entry is written: clearing large memory first costs as much again.
        var rounded = GC.AllocateUninitializedArray<float>(values.Length);
        Narrow(values, rounded);
        return rounded;
    }

    /// <inheritdoc cref="Round"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(ReadOnlySpan<double> values, Span<float> rounded)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(rounded[..values.Length]);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
            Vector256.Narrow(Vector256.LoadUnsafe(ref x, (nuint)i), Vector256.LoadUnsafe(ref x, (nuint)i + 4)).StoreUnsafe(ref y, (nuint)i);
        for (; i < values.Length; i++)
            rounded[i] = (float)values[i];
    }

    /// <summary>Rounds to the nearest float32 in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RoundToSingle(Span<double> values)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        var i = 0;
        for (; i <= values.Length - (2 * Lanes); i += 2 * Lanes)
        {
            var (lower, upper) = Vector512.Widen(Vector512.Narrow(Load(ref x, i), Load(ref x, i + Lanes)));
            lower.StoreUnsafe(ref x, (nuint)i);
            upper.StoreUnsafe(ref x, (nuint)(i + Lanes));
        }
        for (; i < values.Length; i++)
            values[i] = (float)values[i];
    }

    /// <summary>float32 as float64, exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(ReadOnlySpan<float> values, Span<double> wide)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(wide[..values.Length]);
        var i = 0;
        for (; i <= values.Length - (2 * Lanes); i += 2 * Lanes)
        {
            var (lower, upper) = Vector512.Widen(Vector512.LoadUnsafe(ref x, (nuint)i));
            lower.StoreUnsafe(ref y, (nuint)i);
            upper.StoreUnsafe(ref y, (nuint)(i + Lanes));
        }
        for (; i < values.Length; i++)
            wide[i] = values[i];
    }

    /// <summary>
    /// Columns, one after the other, become rows, one after the other, rounded where the type asks for it. (Rows to columns: with the
    /// counts swapped.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose<TFrom, TTo>(ReadOnlySpan<TFrom> from, Span<TTo> to, int rows, int columns)
        where TFrom : unmanaged, INumberBase<TFrom>
        where TTo : unmanaged, INumberBase<TTo>
    {
        ref var x = ref MemoryMarshal.GetReference(from[..(rows * columns)]);
        ref var y = ref MemoryMarshal.GetReference(to[..(rows * columns)]);
        // Eight lines at a time, so that all stay in the nearest cache.
        for (var i = 0; i < rows; i += Lanes)
        {
            var last = Math.Min(rows, i + Lanes);
            for (var j = 0; j < columns; j++)
            {
                for (var k = i; k < last; k++)
                    Unsafe.Add(ref y, (k * columns) + j) = TTo.CreateTruncating(Unsafe.Add(ref x, (j * rows) + k));
            }
        }
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
