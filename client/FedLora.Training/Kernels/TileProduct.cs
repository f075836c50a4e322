using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FedLora.Training.Kernels;

/// <summary>Products of matrices that fit into the cache, where a call of the BLAS would cost more than its work.</summary>
internal static unsafe class TileProduct
{
    /// <summary>Rows of C come in fours.</summary>
    public const int Rows = 4;

    /// <summary>C = A B, or C += A B.</summary>
    /// <param name="m">Rows of C, a multiple of 4.</param>
    /// <param name="n">Columns of C, a multiple of 16.</param>
    /// <param name="k">Columns of A.</param>
    /// <param name="a">A at row i, column p is <c>a[i * aRow + p * aColumn]</c>, so a transposed A needs no copy.</param>
    /// <param name="b">k rows of <paramref name="bRow"/> numbers.</param>
    /// <param name="c">m rows of <paramref name="cRow"/> numbers.</param>
    /// <param name="add">Whether C is added to.</param>
    [SkipLocalsInit, MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int m, int n, int k, float* a, int aRow, int aColumn, float* b, int bRow, float* c, int cRow, bool add)
    {
        var column = 0;
        for (; column + 32 <= n; column += 32)
        {
            for (var row = 0; row < m; row += Rows)
                Wide(k, a + (row * aRow), aRow, aColumn, b + column, bRow, c + (row * cRow) + column, cRow, add);
        }
        if (column < n)
        {
            for (var row = 0; row < m; row += Rows)
                Slim(k, a + (row * aRow), aRow, aColumn, b + column, bRow, c + (row * cRow) + column, cRow, add);
        }
    }

    /// <summary>Four rows, 32 columns: eight sums that stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide(int k, float* a, int aRow, int aColumn, float* b, int bRow, float* c, int cRow, bool add)
    {
        Vector512<float> c00, c01, c10, c11, c20, c21, c30, c31;
        if (add)
        {
            (c00, c01, c10, c11) = (Vector512.Load(c), Vector512.Load(c + 16), Vector512.Load(c + cRow), Vector512.Load(c + cRow + 16));
            (c20, c21, c30, c31) = (Vector512.Load(c + (2 * cRow)), Vector512.Load(c + (2 * cRow) + 16), Vector512.Load(c + (3 * cRow)),
                Vector512.Load(c + (3 * cRow) + 16));
        }
        else
        {
            c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = Vector512<float>.Zero;
        }
        for (var p = 0; p < k; p++)
        {
            var (b0, b1) = (Vector512.Load(b), Vector512.Load(b + 16));
            var a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(a0, b1, c01);
            var a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(a1, b1, c11);
            var a2 = Vector512.Create(a[2 * aRow]);
            c20 = Vector512.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(a2, b1, c21);
            var a3 = Vector512.Create(a[3 * aRow]);
            c30 = Vector512.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(a3, b1, c31);
            a += aColumn;
            b += bRow;
        }
        Vector512.Store(c00, c);
        Vector512.Store(c01, c + 16);
        Vector512.Store(c10, c + cRow);
        Vector512.Store(c11, c + cRow + 16);
        Vector512.Store(c20, c + (2 * cRow));
        Vector512.Store(c21, c + (2 * cRow) + 16);
        Vector512.Store(c30, c + (3 * cRow));
        Vector512.Store(c31, c + (3 * cRow) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slim(int k, float* a, int aRow, int aColumn, float* b, int bRow, float* c, int cRow, bool add)
    {
        Vector512<float> c0, c1, c2, c3;
        if (add)
            (c0, c1, c2, c3) = (Vector512.Load(c), Vector512.Load(c + cRow), Vector512.Load(c + (2 * cRow)),
                Vector512.Load(c + (3 * cRow)));
        else
            c0 = c1 = c2 = c3 = Vector512<float>.Zero;
        for (var p = 0; p < k; p++)
        {
            var row = Vector512.Load(b);
            c0 = Vector512.FusedMultiplyAdd(Vector512.Create(a[0]), row, c0);
            c1 = Vector512.FusedMultiplyAdd(Vector512.Create(a[aRow]), row, c1);
            c2 = Vector512.FusedMultiplyAdd(Vector512.Create(a[2 * aRow]), row, c2);
            c3 = Vector512.FusedMultiplyAdd(Vector512.Create(a[3 * aRow]), row, c3);
            a += aColumn;
            b += bRow;
        }
        Vector512.Store(c0, c);
        Vector512.Store(c1, c + cRow);
        Vector512.Store(c2, c + (2 * cRow));
        Vector512.Store(c3, c + (3 * cRow));
    }
}
