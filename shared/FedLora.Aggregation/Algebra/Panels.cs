using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>
/// Tall, thin factors a panel at a time: some of their rows, which stay in the nearest cache for all that is done with them. A panel is a
/// matrix with one column for each of these rows, filled up with zeros to a multiple of eight entries. Every sum goes row after row.
/// </summary>
internal static class Panels
{
    /// <summary>Rows of a factor that make a panel.</summary>
    public const int Length = 64;

    private const int Wide = 8;
    private const int High = 4;

    /// <summary>A panel of a factor with so many columns, of zeros.</summary>
    public static Matrix Empty(int rank) => new(Padded(rank), Length);

    /// <summary>A small square matrix, of zeros or with a matrix in its corner, as panels meet it.</summary>
    public static Matrix Square(int rank, Matrix? corner = null) =>
        corner is null ? new Matrix(Padded(rank), Padded(rank)) : corner.Resized(Padded(rank), Padded(rank));

    /// <summary>How many rows of a factor there are from one on, at most <see cref="Length"/>.</summary>
    public static int Count(int length, int rank, int start) => Math.Min(Length, (length / rank) - start);

    /// <summary>Rows of a factor that lies row by row: where they lie, or as a panel.</summary>
    public static ReadOnlySpan<double> FromRows(ReadOnlySpan<double> factor, int rank, int start, Matrix panel)
    {
        var count = Count(factor.Length, rank, start);
        if (rank == panel.Rows && count == Length)
            return factor.Slice(start * rank, count * rank);
        for (var i = 0; i < count; i++)
            factor.Slice((start + i) * rank, rank).CopyTo(panel.Column(i));
        return panel.From(0, 0);
    }

    /// <summary>Rows of a factor that lies column by column, e.g. of A^T.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ReadOnlySpan<double> FromColumns(ReadOnlySpan<float> factor, int rank, int start, Matrix panel)
    {
        var rows = factor.Length / rank;
        var count = Count(factor.Length, rank, start);
        var stride = panel.Rows;
        ref var from = ref MemoryMarshal.GetReference(factor.Slice(start)[..(((rank - 1) * rows) + count)]);
        ref var to = ref MemoryMarshal.GetReference(panel.From(0, 0)[..(count * stride)]);
        var k = 0;
        for (; k <= rank - 4; k += 4)
        {
            var i = 0;
            for (; i <= count - 4; i += 4)
            {
                var (c0, c1, c2, c3) = Turn(Vector128.LoadUnsafe(ref from, (nuint)((k * rows) + i)),
                    Vector128.LoadUnsafe(ref from, (nuint)(((k + 1) * rows) + i)),
                    Vector128.LoadUnsafe(ref from, (nuint)(((k + 2) * rows) + i)),
                    Vector128.LoadUnsafe(ref from, (nuint)(((k + 3) * rows) + i)));
                var place = (i * stride) + k;
                Vector256.WidenLower(c0.ToVector256Unsafe()).StoreUnsafe(ref to, (nuint)place);
                Vector256.WidenLower(c1.ToVector256Unsafe()).StoreUnsafe(ref to, (nuint)(place + stride));
                Vector256.WidenLower(c2.ToVector256Unsafe()).StoreUnsafe(ref to, (nuint)(place + (2 * stride)));
                Vector256.WidenLower(c3.ToVector256Unsafe()).StoreUnsafe(ref to, (nuint)(place + (3 * stride)));
            }
            for (; i < count; i++)
            {
                for (var next = k; next < k + 4; next++)
                    Unsafe.Add(ref to, (i * stride) + next) = Unsafe.Add(ref from, (next * rows) + i);
            }
        }
        for (; k < rank; k++)
        {
            for (var i = 0; i < count; i++)
                Unsafe.Add(ref to, (i * stride) + k) = Unsafe.Add(ref from, (k * rows) + i);
        }
        return panel.From(0, 0);
    }

    /// <summary>A panel's values as float32, which they are, in their place in a factor that lies row by row.</summary>
    public static void ToRows(Matrix panel, int count, Span<float> factor, int rank, int start)
    {
        for (var i = 0; i < count; i++)
            Vectors.Narrow(panel.Column(i)[..rank], factor.Slice((start + i) * rank, rank));
    }

    /// <summary>The same for a factor that lies column by column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToColumns(Matrix panel, int count, Span<float> factor, int rank, int start)
    {
        var rows = factor.Length / rank;
        var stride = panel.Rows;
        ref var from = ref MemoryMarshal.GetReference(panel.From(0, 0)[..(count * stride)]);
        ref var to = ref MemoryMarshal.GetReference(factor.Slice(start)[..(((rank - 1) * rows) + count)]);
        var k = 0;
        for (; k <= rank - 4; k += 4)
        {
            var i = 0;
            for (; i <= count - 4; i += 4)
            {
                var place = (i * stride) + k;
                var (r0, r1, r2, r3) = Turn(Narrow(ref from, place), Narrow(ref from, place + stride),
                    Narrow(ref from, place + (2 * stride)), Narrow(ref from, place + (3 * stride)));
                r0.StoreUnsafe(ref to, (nuint)((k * rows) + i));
                r1.StoreUnsafe(ref to, (nuint)(((k + 1) * rows) + i));
                r2.StoreUnsafe(ref to, (nuint)(((k + 2) * rows) + i));
                r3.StoreUnsafe(ref to, (nuint)(((k + 3) * rows) + i));
            }
            for (; i < count; i++)
            {
                for (var next = k; next < k + 4; next++)
                    Unsafe.Add(ref to, (next * rows) + i) = (float)Unsafe.Add(ref from, (i * stride) + next);
            }
        }
        for (; k < rank; k++)
        {
            for (var i = 0; i < count; i++)
                Unsafe.Add(ref to, (k * rows) + i) = (float)Unsafe.Add(ref from, (i * stride) + k);
        }
    }

    /// <summary>y = t x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(Matrix t, ReadOnlySpan<double> x, int count, Matrix y)
    {
        var stride = t.Rows;
        for (var row = 0; row < stride; row += Wide)
        {
            ref var by = ref MemoryMarshal.GetReference(t.From(row, 0));
            for (var i = 0; i < count; i += High)
            {
                ref var p0 = ref MemoryMarshal.GetReference(x.Slice(i * stride, High * stride));
                ref var p1 = ref Unsafe.Add(ref p0, stride);
                ref var p2 = ref Unsafe.Add(ref p1, stride);
                ref var p3 = ref Unsafe.Add(ref p2, stride);
                var (a0, a1, a2, a3) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
                for (var k = 0; k < stride; k++)
                {
                    var v = Load(ref by, k * stride);
                    var f = Vector512.Create(Unsafe.Add(ref p0, k));
                    a0 = Vector512.FusedMultiplyAdd(f, v, a0);
                    f = Vector512.Create(Unsafe.Add(ref p1, k));
                    a1 = Vector512.FusedMultiplyAdd(f, v, a1);
                    f = Vector512.Create(Unsafe.Add(ref p2, k));
                    a2 = Vector512.FusedMultiplyAdd(f, v, a2);
                    f = Vector512.Create(Unsafe.Add(ref p3, k));
                    a3 = Vector512.FusedMultiplyAdd(f, v, a3);
                }
                ref var to = ref MemoryMarshal.GetReference(y.From(row, i)[..(((High - 1) * stride) + Wide)]);
                a0.StoreUnsafe(ref to);
                a1.StoreUnsafe(ref to, (nuint)stride);
                a2.StoreUnsafe(ref to, (nuint)(2 * stride));
                a3.StoreUnsafe(ref to, (nuint)(3 * stride));
            }
        }
    }

    /// <summary>sum += y x^T; where both are the same panel only entries on and below the diagonal, and some others, are made.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOuter(ReadOnlySpan<double> y, ReadOnlySpan<double> x, int count, Matrix sum)
    {
        var stride = sum.Rows;
        for (var i = 0; i < stride; i += High)
        {
            for (var row = y == x ? i / Wide * Wide : 0; row < stride; row += Wide)
            {
                ref var p = ref MemoryMarshal.GetReference(x.Slice(i, ((count - 1) * stride) + High));
                ref var q = ref MemoryMarshal.GetReference(y.Slice(row, ((count - 1) * stride) + Wide));
                ref var to = ref MemoryMarshal.GetReference(sum.From(row, i)[..(((High - 1) * stride) + Wide)]);
                var (a0, a1) = (Load(ref to, 0), Load(ref to, stride));
                var (a2, a3) = (Load(ref to, 2 * stride), Load(ref to, 3 * stride));
                for (var k = 0; k < count * stride; k += stride)
                {
                    var v = Load(ref q, k);
                    ref var factors = ref Unsafe.Add(ref p, k);
                    var f = Vector512.Create(factors);
                    a0 = Vector512.FusedMultiplyAdd(f, v, a0);
                    f = Vector512.Create(Unsafe.Add(ref factors, 1));
                    a1 = Vector512.FusedMultiplyAdd(f, v, a1);
                    f = Vector512.Create(Unsafe.Add(ref factors, 2));
                    a2 = Vector512.FusedMultiplyAdd(f, v, a2);
                    f = Vector512.Create(Unsafe.Add(ref factors, 3));
                    a3 = Vector512.FusedMultiplyAdd(f, v, a3);
                }
                a0.StoreUnsafe(ref to);
                a1.StoreUnsafe(ref to, (nuint)stride);
                a2.StoreUnsafe(ref to, (nuint)(2 * stride));
                a3.StoreUnsafe(ref to, (nuint)(3 * stride));
            }
        }
    }

    /// <summary>The symmetric matrix of a rank whose entries on and below the diagonal <see cref="AddOuter"/> has made.</summary>
    public static Matrix Symmetric(Matrix sum, int rank)
    {
        var whole = sum.Resized(rank, rank);
        for (var j = 0; j < rank; j++)
        {
            for (var i = 0; i < j; i++)
                whole[i, j] = whole[j, i];
        }
        return whole;
    }

    /// <summary>What rounding to float32 leaves of a panel, and what it takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(Matrix panel, int count, Matrix rounded, Matrix lost)
    {
        ref var x = ref MemoryMarshal.GetReference(panel.From(0, 0)[..(count * panel.Rows)]);
        ref var y = ref MemoryMarshal.GetReference(rounded.From(0, 0)[..(count * panel.Rows)]);
        ref var z = ref MemoryMarshal.GetReference(lost.From(0, 0)[..(count * panel.Rows)]);
        for (var i = 0; i < count * panel.Rows; i += Wide)
        {
            var exact = Load(ref x, i);
            var near = Vector512.WidenLower(Vector256.Narrow(exact.GetLower(), exact.GetUpper()).ToVector512Unsafe());
            near.StoreUnsafe(ref y, (nuint)i);
            (exact - near).StoreUnsafe(ref z, (nuint)i);
        }
    }

    /// <summary>sums += the squares of a panel's entries, for each of its rows of eight entries and more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSquares(Matrix panel, int count, Span<double> sums)
    {
        var stride = panel.Rows;
        ref var x = ref MemoryMarshal.GetReference(panel.From(0, 0)[..(count * stride)]);
        for (var row = 0; row < stride; row += Wide)
        {
            ref var s = ref MemoryMarshal.GetReference(sums.Slice(row, Wide));
            var sum = Load(ref s, 0);
            for (var i = row; i < count * stride; i += stride)
            {
                var v = Load(ref x, i);
                sum = Vector512.FusedMultiplyAdd(v, v, sum);
            }
            sum.StoreUnsafe(ref s);
        }
    }

    // Four lines of four become four columns.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> A, Vector128<float> B, Vector128<float> C, Vector128<float> D) Turn(Vector128<float> a,
        Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        var turned = Matrix4x4.Transpose(Matrix4x4.Create(a.AsVector4(), b.AsVector4(), c.AsVector4(), d.AsVector4()));
        return (turned.X.AsVector128(), turned.Y.AsVector128(), turned.Z.AsVector128(), turned.W.AsVector128());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Narrow(ref double first, int index) =>
        Vector128.Narrow(Vector128.LoadUnsafe(ref first, (nuint)index), Vector128.LoadUnsafe(ref first, (nuint)index + 2));

    /// <summary>A rank, filled up.</summary>
    public static int Padded(int rank) => (rank + Wide - 1) / Wide * Wide;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Load(ref double first, int index) => Vector512.LoadUnsafe(ref first, (nuint)index);
}
