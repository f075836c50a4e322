using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>A large float32 matrix times a thin one, four rows by 64 columns at a time; every sum in the order of its index.</summary>
internal static class DenseProduct
{
    private const int Width = 64;
    private const int Depth = 512;

    /// <summary>W X, for W row-major rows x columns.</summary>
    public static Matrix Times(float[] w, int rows, int columns, Matrix x) => Multiply(w, rows, columns, columns, 1, x);

    /// <summary>W^T X.</summary>
    public static Matrix TransposedTimes(float[] w, int rows, int columns, Matrix x) => Multiply(w, columns, rows, 1, columns, x);

    // Entry (i, k) of the left matrix lies at i * rowStride + k * stride.
    private static Matrix Multiply(float[] w, int rows, int inner, int rowStride, int stride, Matrix x)
    {
        var product = new Matrix(rows, x.Columns);
        for (var first = 0; first < x.Columns; first += Width)
        {
            var panel = Panel(x, first, inner);
            var start = first;
            var count = Math.Min(Width, x.Columns - first);
            Parallel.For(0, (rows + 3) / 4, block =>
            {
                var row = block * 4;
                Span<float> sums = stackalloc float[4 * Width];
                sums.Clear();
                for (var k = 0; k < inner; k += Depth)
                    Accumulate(w, row, Math.Min(4, rows - row), rowStride, stride, panel, k, Math.Min(inner, k + Depth), count, sums);
                for (var i = 0; i < Math.Min(4, rows - row); i++)
                {
                    for (var j = 0; j < count; j++)
                        product[row + i, start + j] = sums[(i * Width) + j];
                }
            });
        }
        return product;
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate(float[] w, int row, int count, int rowStride, int stride, float[] panel, int from, int to, int width, Span<float> sums)
    {
        // Rows beyond the last repeat it: their sums are never read.
        var (r0, r1, r2, r3) = (row * rowStride, (row + Math.Min(1, count - 1)) * rowStride, (row + Math.Min(2, count - 1)) * rowStride, (row + Math.Min(3, count - 1)) * rowStride);
        ref var x = ref MemoryMarshal.GetArrayDataReference(panel);
        ref var s = ref MemoryMarshal.GetReference(sums);
        for (var half = 0; half < width; half += 32)
        {
            var (a0, a1) = (Vector512.LoadUnsafe(ref s, (nuint)half), Vector512.LoadUnsafe(ref s, (nuint)half + 16));
            var (b0, b1) = (Vector512.LoadUnsafe(ref s, (nuint)half + Width), Vector512.LoadUnsafe(ref s, (nuint)half + Width + 16));
            var (c0, c1) = (Vector512.LoadUnsafe(ref s, (nuint)half + (2 * Width)), Vector512.LoadUnsafe(ref s, (nuint)half + (2 * Width) + 16));
            var (d0, d1) = (Vector512.LoadUnsafe(ref s, (nuint)half + (3 * Width)), Vector512.LoadUnsafe(ref s, (nuint)half + (3 * Width) + 16));
            for (var k = from; k < to; k++)
            {
                var (x0, x1) = (Vector512.LoadUnsafe(ref x, (nuint)((k * Width) + half)), Vector512.LoadUnsafe(ref x, (nuint)((k * Width) + half + 16)));
                var offset = k * stride;
                var w0 = Vector512.Create(w[r0 + offset]);
                a0 = Vector512.FusedMultiplyAdd(w0, x0, a0);
                a1 = Vector512.FusedMultiplyAdd(w0, x1, a1);
                var w1 = Vector512.Create(w[r1 + offset]);
                b0 = Vector512.FusedMultiplyAdd(w1, x0, b0);
                b1 = Vector512.FusedMultiplyAdd(w1, x1, b1);
                var w2 = Vector512.Create(w[r2 + offset]);
                c0 = Vector512.FusedMultiplyAdd(w2, x0, c0);
                c1 = Vector512.FusedMultiplyAdd(w2, x1, c1);
                var w3 = Vector512.Create(w[r3 + offset]);
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
