using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>
/// Products of wide factors, 16 x 8 entries at a time in registers, from copies that lie as they are read (Goto, van de Geijn 2008). Every
/// entry is one chain of fused products in the order of the inner index: the same bytes for any number of threads.
/// </summary>
internal static class Tiles
{
    private const int Rows = 16;
    private const int Columns = 8;
    private const int Depth = 128;
    private const int Lanes = 8;

    /// <summary>left right.</summary>
    public static Matrix Times(Matrix left, Matrix right)
    {
        var product = new Matrix(left.Rows, right.Columns);
        using var transposed = right.Transposed();
        AddProduct(product, left, transposed, threads: 1);
        return product;
    }

    /// <summary>sum += left right^T.</summary>
    /// <param name="sum">m x n.</param>
    /// <param name="left">m x k.</param>
    /// <param name="right">n x k.</param>
    public static void AddProduct(Matrix sum, Matrix left, Matrix right, int threads)
    {
        var panel = ArrayPool<double>.Shared.Rent((sum.Columns + Columns) * Depth);
        try
        {
            for (var from = 0; from < left.Columns; from += Depth)
            {
                var (start, depth) = (from, Math.Min(Depth, left.Columns - from));
                Pack(right, 0, sum.Columns, start, depth, Columns, panel);
                var tiles = (sum.Rows + Rows - 1) / Rows;
                if (threads == 1)
                {
                    for (var tile = 0; tile < tiles; tile++)
                        Add(sum, left, tile * Rows, start, depth, panel);
                }
                else
                    Parallel.For(0, tiles, new ParallelOptions { MaxDegreeOfParallelism = threads },
                        tile => Add(sum, left, tile * Rows, start, depth, panel));
            }
        }
        finally
        {
            ArrayPool<double>.Shared.Return(panel);
        }
    }

    // All columns of sixteen rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(Matrix sum, Matrix left, int row, int start, int depth, double[] panel)
    {
        var rows = Math.Min(Rows, sum.Rows - row);
        Span<double> packed = stackalloc double[Rows * Depth];
        Span<double> edge = stackalloc double[Rows * Columns];
        Pack(left, row, rows, start, depth, Rows, packed);
        for (var column = 0; column < sum.Columns; column += Columns)
        {
            var columns = Math.Min(Columns, sum.Columns - column);
            var right = panel.AsSpan(column * depth, Columns * depth);
            if (rows == Rows && columns == Columns)
            {
                Multiply(packed, right, depth, sum.From(row, column), sum.Rows);
                continue;
            }
            edge.Clear();
            for (var j = 0; j < columns; j++)
                sum.Column(column + j).Slice(row, rows).CopyTo(edge[(j * Rows)..]);
            Multiply(packed, right, depth, edge, Rows);
            for (var j = 0; j < columns; j++)
                edge.Slice(j * Rows, rows).CopyTo(sum.Column(column + j).Slice(row, rows));
        }
    }

    // Rows of x in groups of a width; in a group, entry after entry of each column. What is missing of the last group is zero.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(Matrix x, int row, int rows, int start, int depth, int width, Span<double> packed)
    {
        for (var k = 0; k < depth; k++)
        {
            var column = x.Column(start + k).Slice(row, rows);
            var to = k * width;
            for (; column.Length >= width; column = column[width..], to += depth * width)
                column[..width].CopyTo(packed[to..]);
            if (column.Length > 0)
            {
                var last = packed.Slice(to, width);
                last.Clear();
                column.CopyTo(last);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(ReadOnlySpan<double> left, ReadOnlySpan<double> right, int depth, Span<double> sum, int stride)
    {
        ref var x = ref MemoryMarshal.GetReference(left[..(depth * Rows)]);
        ref var y = ref MemoryMarshal.GetReference(right[..(depth * Columns)]);
        ref var s = ref MemoryMarshal.GetReference(sum[..(((Columns - 1) * stride) + Rows)]);
        var (a0, b0) = (Load(ref s, 0), Load(ref s, Lanes));
        var (a1, b1) = (Load(ref s, stride), Load(ref s, stride + Lanes));
        var (a2, b2) = (Load(ref s, 2 * stride), Load(ref s, (2 * stride) + Lanes));
        var (a3, b3) = (Load(ref s, 3 * stride), Load(ref s, (3 * stride) + Lanes));
        var (a4, b4) = (Load(ref s, 4 * stride), Load(ref s, (4 * stride) + Lanes));
        var (a5, b5) = (Load(ref s, 5 * stride), Load(ref s, (5 * stride) + Lanes));
        var (a6, b6) = (Load(ref s, 6 * stride), Load(ref s, (6 * stride) + Lanes));
        var (a7, b7) = (Load(ref s, 7 * stride), Load(ref s, (7 * stride) + Lanes));
        for (var k = 0; k < depth; k++)
        {
            var (p, q) = (Load(ref x, k * Rows), Load(ref x, (k * Rows) + Lanes));
            ref var factors = ref Unsafe.Add(ref y, k * Columns);
            var f = Vector512.Create(factors);
            a0 = Vector512.FusedMultiplyAdd(p, f, a0);
            b0 = Vector512.FusedMultiplyAdd(q, f, b0);
            f = Vector512.Create(Unsafe.Add(ref factors, 1));
            a1 = Vector512.FusedMultiplyAdd(p, f, a1);
            b1 = Vector512.FusedMultiplyAdd(q, f, b1);
            f = Vector512.Create(Unsafe.Add(ref factors, 2));
            a2 = Vector512.FusedMultiplyAdd(p, f, a2);
            b2 = Vector512.FusedMultiplyAdd(q, f, b2);
            f = Vector512.Create(Unsafe.Add(ref factors, 3));
            a3 = Vector512.FusedMultiplyAdd(p, f, a3);
            b3 = Vector512.FusedMultiplyAdd(q, f, b3);
            f = Vector512.Create(Unsafe.Add(ref factors, 4));
            a4 = Vector512.FusedMultiplyAdd(p, f, a4);
            b4 = Vector512.FusedMultiplyAdd(q, f, b4);
            f = Vector512.Create(Unsafe.Add(ref factors, 5));
            a5 = Vector512.FusedMultiplyAdd(p, f, a5);
            b5 = Vector512.FusedMultiplyAdd(q, f, b5);
            f = Vector512.Create(Unsafe.Add(ref factors, 6));
            a6 = Vector512.FusedMultiplyAdd(p, f, a6);
            b6 = Vector512.FusedMultiplyAdd(q, f, b6);
            f = Vector512.Create(Unsafe.Add(ref factors, 7));
            a7 = Vector512.FusedMultiplyAdd(p, f, a7);
            b7 = Vector512.FusedMultiplyAdd(q, f, b7);
        }
        Store(a0, b0, ref s, 0);
        Store(a1, b1, ref s, stride);
        Store(a2, b2, ref s, 2 * stride);
        Store(a3, b3, ref s, 3 * stride);
        Store(a4, b4, ref s, 4 * stride);
        Store(a5, b5, ref s, 5 * stride);
        Store(a6, b6, ref s, 6 * stride);
        Store(a7, b7, ref s, 7 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Load(ref double first, int index) => Vector512.LoadUnsafe(ref first, (nuint)index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<double> a, Vector512<double> b, ref double first, int index)
    {
        a.StoreUnsafe(ref first, (nuint)index);
        b.StoreUnsafe(ref first, (nuint)(index + Lanes));
    }
}
