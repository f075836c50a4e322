using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <content>Inner products, and what is made of them.</content>
internal static partial class Vectors
{
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
        AddRest(a0, b0, b1, b2, b3, i, products);
        AddRest(a1, b0, b1, b2, b3, i, products[4..]);
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
        AddRest(a0, b0, b1, b2, b3, i, products);
        AddRest(a1, b0, b1, b2, b3, i, products[4..]);
        AddRest(a2, b0, b1, b2, b3, i, products[8..]);
        AddRest(a3, b0, b1, b2, b3, i, products[12..]);
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

    // What is left of the rows behind the last lanes.
    private static void AddRest<T>(ReadOnlySpan<T> a, ReadOnlySpan<double> b0, ReadOnlySpan<double> b1, ReadOnlySpan<double> b2,
        ReadOnlySpan<double> b3, int from, Span<double> products)
        where T : struct, INumber<T>
    {
        for (var i = from; i < a.Length; i++)
        {
            var x = double.CreateTruncating(a[i]);
            products[0] = Math.FusedMultiplyAdd(x, b0[i], products[0]);
            products[1] = Math.FusedMultiplyAdd(x, b1[i], products[1]);
            products[2] = Math.FusedMultiplyAdd(x, b2[i], products[2]);
            products[3] = Math.FusedMultiplyAdd(x, b3[i], products[3]);
        }
    }
}
