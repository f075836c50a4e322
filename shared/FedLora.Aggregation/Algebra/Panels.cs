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

    /// <summary>Rows of a factor that lies row by row.</summary>
    /// <returns>How many there were from there on, at most <see cref="Length"/>.</returns>
    public static int FromRows(ReadOnlySpan<double> factor, int rank, int start, Matrix panel)
    {
        var count = Math.Min(Length, (factor.Length / rank) - start);
        for (var i = 0; i < count; i++)
            factor.Slice((start + i) * rank, rank).CopyTo(panel.Column(i));
        return count;
    }

    /// <summary>Rows of a factor that lies column by column, e.g. of A^T.</summary>
    /// <inheritdoc cref="FromRows"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int FromColumns(ReadOnlySpan<float> factor, int rank, int start, Matrix panel)
    {
        var rows = factor.Length / rank;
        var count = Math.Min(Length, rows - start);
        ref var to = ref MemoryMarshal.GetReference(panel.From(0, 0)[..(count * panel.Rows)]);
        for (var k = 0; k < rank; k++)
        {
            var column = factor.Slice((k * rows) + start, count);
            for (var i = 0; i < column.Length; i++)
                Unsafe.Add(ref to, (i * panel.Rows) + k) = column[i];
        }
        return count;
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
        ref var from = ref MemoryMarshal.GetReference(panel.From(0, 0)[..(count * panel.Rows)]);
        for (var k = 0; k < rank; k++)
        {
            var column = factor.Slice((k * rows) + start, count);
            for (var i = 0; i < column.Length; i++)
                column[i] = (float)Unsafe.Add(ref from, (i * panel.Rows) + k);
        }
    }

    /// <summary>y = t x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(Matrix t, Matrix x, int count, Matrix y)
    {
        var stride = x.Rows;
        for (var row = 0; row < stride; row += Wide)
        {
            ref var by = ref MemoryMarshal.GetReference(t.From(row, 0));
            for (var i = 0; i < count; i += High)
            {
                ref var p0 = ref MemoryMarshal.GetReference(x.From(0, i)[..(High * stride)]);
                ref var p1 = ref Unsafe.Add(ref p0, stride);
                ref var p2 = ref Unsafe.Add(ref p1, stride);
                ref var p3 = ref Unsafe.Add(ref p2, stride);
                var (a0, a1, a2, a3) = (Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero);
                var (b0, b1, b2, b3) = (Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero);
                for (var k = 0; k < stride; k++)
                {
                    var (v, w) = (Load(ref by, k * stride), Load(ref by, (k * stride) + 4));
                    var f = Vector256.Create(Unsafe.Add(ref p0, k));
                    a0 = Vector256.FusedMultiplyAdd(f, v, a0);
                    b0 = Vector256.FusedMultiplyAdd(f, w, b0);
                    f = Vector256.Create(Unsafe.Add(ref p1, k));
                    a1 = Vector256.FusedMultiplyAdd(f, v, a1);
                    b1 = Vector256.FusedMultiplyAdd(f, w, b1);
                    f = Vector256.Create(Unsafe.Add(ref p2, k));
                    a2 = Vector256.FusedMultiplyAdd(f, v, a2);
                    b2 = Vector256.FusedMultiplyAdd(f, w, b2);
                    f = Vector256.Create(Unsafe.Add(ref p3, k));
                    a3 = Vector256.FusedMultiplyAdd(f, v, a3);
                    b3 = Vector256.FusedMultiplyAdd(f, w, b3);
                }
                ref var to = ref MemoryMarshal.GetReference(y.From(row, i)[..(((High - 1) * stride) + Wide)]);
                Store(a0, b0, ref to, 0);
                Store(a1, b1, ref to, stride);
                Store(a2, b2, ref to, 2 * stride);
                Store(a3, b3, ref to, 3 * stride);
            }
        }
    }

    /// <summary>sum += y x^T; where both are the same panel only entries on and below the diagonal, and some others, are made.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOuter(Matrix y, Matrix x, int count, Matrix sum)
    {
        var stride = x.Rows;
        for (var i = 0; i < stride; i += High)
        {
            for (var row = y == x ? i / Wide * Wide : 0; row < stride; row += Wide)
            {
                ref var p = ref MemoryMarshal.GetReference(x.From(i, 0)[..(((count - 1) * stride) + High)]);
                ref var q = ref MemoryMarshal.GetReference(y.From(row, 0)[..(((count - 1) * stride) + Wide)]);
                ref var to = ref MemoryMarshal.GetReference(sum.From(row, i)[..(((High - 1) * stride) + Wide)]);
                var (a0, b0) = (Load(ref to, 0), Load(ref to, 4));
                var (a1, b1) = (Load(ref to, stride), Load(ref to, stride + 4));
                var (a2, b2) = (Load(ref to, 2 * stride), Load(ref to, (2 * stride) + 4));
                var (a3, b3) = (Load(ref to, 3 * stride), Load(ref to, (3 * stride) + 4));
                for (var k = 0; k < count * stride; k += stride)
                {
                    var (v, w) = (Load(ref q, k), Load(ref q, k + 4));
                    ref var factors = ref Unsafe.Add(ref p, k);
                    var f = Vector256.Create(factors);
                    a0 = Vector256.FusedMultiplyAdd(f, v, a0);
                    b0 = Vector256.FusedMultiplyAdd(f, w, b0);
                    f = Vector256.Create(Unsafe.Add(ref factors, 1));
                    a1 = Vector256.FusedMultiplyAdd(f, v, a1);
                    b1 = Vector256.FusedMultiplyAdd(f, w, b1);
                    f = Vector256.Create(Unsafe.Add(ref factors, 2));
                    a2 = Vector256.FusedMultiplyAdd(f, v, a2);
                    b2 = Vector256.FusedMultiplyAdd(f, w, b2);
                    f = Vector256.Create(Unsafe.Add(ref factors, 3));
                    a3 = Vector256.FusedMultiplyAdd(f, v, a3);
                    b3 = Vector256.FusedMultiplyAdd(f, w, b3);
                }
                Store(a0, b0, ref to, 0);
                Store(a1, b1, ref to, stride);
                Store(a2, b2, ref to, 2 * stride);
                Store(a3, b3, ref to, 3 * stride);
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

    private static int Padded(int rank) => (rank + Wide - 1) / Wide * Wide;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Load(ref double first, int index) => Vector256.LoadUnsafe(ref first, (nuint)index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<double> a, Vector256<double> b, ref double first, int index)
    {
        a.StoreUnsafe(ref first, (nuint)index);
        b.StoreUnsafe(ref first, (nuint)index + 4);
    }
}
