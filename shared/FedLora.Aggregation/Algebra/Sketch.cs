using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>
/// f B A W for a few probes W, from the factors' float32 as they came, a piece at a time: no factor is widened or turned as a whole. In
/// float64, in fixed lanes, as <see cref="Vectors"/>.
/// </summary>
internal static class Sketch
{
    /// <summary>Probes come in multiples of so many.</summary>
    public const int Group = 4;

    // Columns of A, and rows of B, that stay in the nearest cache with what meets them there.
    private const int Columns = 512;
    private const int Rows = 64;

    // Rows of B whose sums are made side by side: one need not wait for the other.
    private const int Together = 8;

    /// <summary>sum += (f B (A W))^T.</summary>
    /// <param name="sum">probes x d_out.</param>
    /// <param name="factor">f.</param>
    /// <param name="b">d_out x r, row by row.</param>
    /// <param name="a">r x d_in, row by row.</param>
    /// <param name="probes">W, d_in x probes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(Matrix sum, double factor, ReadOnlySpan<float> b, ReadOnlySpan<float> a, Matrix probes)
    {
        var rank = a.Length / probes.Rows;
        var buffer = ArrayPool<double>.Shared.Rent(rank * (Group + Rows));
        try
        {
            var inner = buffer.AsSpan(0, rank * Group);
            var wide = buffer.AsSpan(rank * Group);
            for (var first = 0; first < probes.Columns; first += Group)
            {
                Contract(a, rank, probes, first, inner);
                Vectors.Scale(factor, inner);
                for (var row = 0; row < sum.Columns; row += Rows)
                {
                    var rows = Math.Min(Rows, sum.Columns - row);
                    Vectors.Widen(b.Slice(row * rank, rows * rank), wide);
                    Expand(sum, first, row, rows, wide, rank, inner);
                }
            }
        }
        finally
        {
            ArrayPool<double>.Shared.Return(buffer);
        }
    }

    /// <summary>The squared lengths of the rows of a sum: of a product's images of the probes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double[] Squares(Matrix sum)
    {
        var squares = new double[sum.Rows];
        ref var x = ref MemoryMarshal.GetReference(sum.From(0, 0));
        for (var p = 0; p < squares.Length; p += Group)
        {
            var all = Vector256<double>.Zero;
            for (var i = p; i < sum.Rows * sum.Columns; i += sum.Rows)
            {
                var images = Vector256.LoadUnsafe(ref x, (nuint)i);
                all = Vector256.FusedMultiplyAdd(images, images, all);
            }
            all.CopyTo(squares, p);
        }
        return squares;
    }

    // Row by row of A its products with four probes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Contract(ReadOnlySpan<float> a, int rank, Matrix probes, int first, Span<double> inner)
    {
        inner.Clear();
        Span<double> products = stackalloc double[2 * Group];
        for (var start = 0; start < probes.Rows; start += Columns)
        {
            var count = Math.Min(Columns, probes.Rows - start);
            for (var k = 0; k < rank; k += 2)
            {
                // Beyond the last row it is repeated, and left out.
                var next = Math.Min(k + 1, rank - 1);
                Vectors.Dot2x4(a.Slice((k * probes.Rows) + start, count), a.Slice((next * probes.Rows) + start, count),
                    probes.Column(first).Slice(start, count), probes.Column(first + 1).Slice(start, count),
                    probes.Column(first + 2).Slice(start, count), probes.Column(first + 3).Slice(start, count), products);
                for (var p = 0; p < (next - k + 1) * Group; p++)
                    inner[(k * Group) + p] += products[p];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Expand(Matrix sum, int first, int row, int rows, ReadOnlySpan<double> b, int rank, ReadOnlySpan<double> inner)
    {
        ref var t = ref MemoryMarshal.GetReference(inner[..(rank * Group)]);
        ref var s = ref MemoryMarshal.GetReference(sum.From(first, row)[..(((rows - 1) * sum.Rows) + Group)]);
        var i = 0;
        for (; i <= rows - Together; i += Together)
        {
            ref var x0 = ref MemoryMarshal.GetReference(b.Slice(i * rank, Together * rank));
            ref var x1 = ref Unsafe.Add(ref x0, rank);
            ref var x2 = ref Unsafe.Add(ref x1, rank);
            ref var x3 = ref Unsafe.Add(ref x2, rank);
            ref var x4 = ref Unsafe.Add(ref x3, rank);
            ref var x5 = ref Unsafe.Add(ref x4, rank);
            ref var x6 = ref Unsafe.Add(ref x5, rank);
            ref var x7 = ref Unsafe.Add(ref x6, rank);
            var (s0, s1, s2, s3) = (Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero);
            var (s4, s5, s6, s7) = (Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero);
            for (var k = 0; k < rank; k++)
            {
                var by = Vector256.LoadUnsafe(ref t, (nuint)(k * Group));
                s0 = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref x0, k)), by, s0);
                s1 = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref x1, k)), by, s1);
                s2 = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref x2, k)), by, s2);
                s3 = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref x3, k)), by, s3);
                s4 = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref x4, k)), by, s4);
                s5 = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref x5, k)), by, s5);
                s6 = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref x6, k)), by, s6);
                s7 = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref x7, k)), by, s7);
            }
            AddTo(ref s, i * sum.Rows, s0);
            AddTo(ref s, (i + 1) * sum.Rows, s1);
            AddTo(ref s, (i + 2) * sum.Rows, s2);
            AddTo(ref s, (i + 3) * sum.Rows, s3);
            AddTo(ref s, (i + 4) * sum.Rows, s4);
            AddTo(ref s, (i + 5) * sum.Rows, s5);
            AddTo(ref s, (i + 6) * sum.Rows, s6);
            AddTo(ref s, (i + 7) * sum.Rows, s7);
        }
        for (; i < rows; i++)
        {
            var one = Vector256<double>.Zero;
            for (var k = 0; k < rank; k++)
                one = Vector256.FusedMultiplyAdd(Vector256.Create(b[(i * rank) + k]), Vector256.LoadUnsafe(ref t, (nuint)(k * Group)), one);
            AddTo(ref s, i * sum.Rows, one);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(ref double first, int index, Vector256<double> values) =>
        (Vector256.LoadUnsafe(ref first, (nuint)index) + values).StoreUnsafe(ref first, (nuint)index);
}
