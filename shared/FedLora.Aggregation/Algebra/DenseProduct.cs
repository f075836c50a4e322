using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>A large float32 matrix times a thin one, four rows by 64 columns at a time; every sum in the order of its index.</summary>
internal static class DenseProduct
{
    private const int Width = 64;
    private const int Depth = 512;

    // Rows of the result that are made together: of W^T, a cache line of each of W's rows.
    private const int Group = 16;
    private const int Block = 4;

    /// <summary>W X, for W row-major rows x columns.</summary>
    public static Matrix Times(float[] w, int rows, int columns, Matrix x) => Multiply(w, rows, columns, x, transposed: false);

    /// <summary>W^T X.</summary>
    public static Matrix TransposedTimes(float[] w, int rows, int columns, Matrix x) => Multiply(w, columns, rows, x, transposed: true);

    private static Matrix Multiply(float[] w, int rows, int inner, Matrix x, bool transposed)
    {
        var product = new Matrix(rows, x.Columns);
        for (var first = 0; first < x.Columns; first += Width)
        {
            var panel = Panel(x, first, inner);
            var start = first;
            var count = Math.Min(Width, x.Columns - first);
            Parallel.For(0, (rows + Group - 1) / Group, () => new float[Group * Depth], (group, _, tile) =>
            {
                var (row, taken) = (group * Group, Math.Min(Group, rows - (group * Group)));
                Span<float> sums = stackalloc float[Group * Width];
                sums.Clear();
                for (var from = 0; from < inner; from += Depth)
                {
                    var depth = Math.Min(Depth, inner - from);
                    if (transposed)
                        Turn(w, rows, row, taken, from, depth, tile);
                    for (var block = 0; block < taken; block += Block)
                    {
                        var left = transposed ? tile.AsSpan(block * Depth) : w.AsSpan(((row + block) * inner) + from);
                        Accumulate(left, Math.Min(Block, taken - block), transposed ? Depth : inner, panel.AsSpan(from * Width), depth,
                            count, sums[(block * Width)..]);
                    }
                }
                for (var i = 0; i < taken; i++)
                {
                    for (var j = 0; j < count; j++)
                        product[row + i, start + j] = sums[(i * Width) + j];
                }
                return tile;
            }, _ => { });
        }
        return product;
    }

    // Columns row ... row + taken of W's rows from ... from + depth, as rows of the tile: read straight from W, every entry would fetch a
    // cache line of its own.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Turn(float[] w, int columns, int row, int taken, int from, int depth, float[] tile)
    {
        for (var k = 0; k < depth; k++)
        {
            var line = w.AsSpan(((from + k) * columns) + row, taken);
            for (var i = 0; i < line.Length; i++)
                tile[(i * Depth) + k] = line[i];
        }
    }

    private static float[] Panel(Matrix x, int first, int inner)
    {
        var panel = new float[inner * Width];
        for (var j = 0; j < Math.Min(Width, x.Columns - first); j++)
        {
            var column = x.Column(first + j);
            for (var k = 0; k < inner; k++)
                panel[(k * Width) + j] = (float)column[k];
        }
        return panel;
    }

    // sums += left x panel, for up to four rows of the left matrix, depth entries each.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate(ReadOnlySpan<float> left, int count, int stride, ReadOnlySpan<float> panel, int depth, int width,
        Span<float> sums)
    {
        // Rows beyond the last repeat it: their sums are never read.
        var (r1, r2, r3) = (Math.Min(1, count - 1) * stride, Math.Min(2, count - 1) * stride, Math.Min(3, count - 1) * stride);
        ref var w = ref MemoryMarshal.GetReference(left[..(r3 + depth)]);
        ref var x = ref MemoryMarshal.GetReference(panel[..(depth * Width)]);
        ref var s = ref MemoryMarshal.GetReference(sums[..(Block * Width)]);
        for (var half = 0; half < width; half += 32)
        {
            var (a0, a1) = (Vector512.LoadUnsafe(ref s, (nuint)half), Vector512.LoadUnsafe(ref s, (nuint)half + 16));
            var (b0, b1) = (Vector512.LoadUnsafe(ref s, (nuint)half + Width), Vector512.LoadUnsafe(ref s, (nuint)half + Width + 16));
            var (c0, c1) = (Vector512.LoadUnsafe(ref s, (nuint)half + (2 * Width)),
                Vector512.LoadUnsafe(ref s, (nuint)half + (2 * Width) + 16));
            var (d0, d1) = (Vector512.LoadUnsafe(ref s, (nuint)half + (3 * Width)),
                Vector512.LoadUnsafe(ref s, (nuint)half + (3 * Width) + 16));
            for (var k = 0; k < depth; k++)
            {
                var (x0, x1) = (Vector512.LoadUnsafe(ref x, (nuint)((k * Width) + half)),
                    Vector512.LoadUnsafe(ref x, (nuint)((k * Width) + half + 16)));
                var w0 = Vector512.Create(Unsafe.Add(ref w, k));
                a0 = Vector512.FusedMultiplyAdd(w0, x0, a0);
                a1 = Vector512.FusedMultiplyAdd(w0, x1, a1);
                var w1 = Vector512.Create(Unsafe.Add(ref w, r1 + k));
                b0 = Vector512.FusedMultiplyAdd(w1, x0, b0);
                b1 = Vector512.FusedMultiplyAdd(w1, x1, b1);
                var w2 = Vector512.Create(Unsafe.Add(ref w, r2 + k));
                c0 = Vector512.FusedMultiplyAdd(w2, x0, c0);
                c1 = Vector512.FusedMultiplyAdd(w2, x1, c1);
                var w3 = Vector512.Create(Unsafe.Add(ref w, r3 + k));
                d0 = Vector512.FusedMultiplyAdd(w3, x0, d0);
                d1 = Vector512.FusedMultiplyAdd(w3, x1, d1);
            }
            a0.StoreUnsafe(ref s, (nuint)half);
            a1.StoreUnsafe(ref s, (nuint)half + 16);
            b0.StoreUnsafe(ref s, (nuint)half + Width);
            b1.StoreUnsafe(ref s, (nuint)half + Width + 16);
            c0.StoreUnsafe(ref s, (nuint)half + (2 * Width));
            c1.StoreUnsafe(ref s, (nuint)half + (2 * Width) + 16);
            d0.StoreUnsafe(ref s, (nuint)half + (3 * Width));
            d1.StoreUnsafe(ref s, (nuint)half + (3 * Width) + 16);
        }
    }
}
