using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <summary>
/// f B A W for a few probes W, from the factors' float32 as they came: nothing is widened or turned as a whole, so that a round's factors
/// are read once and no more. In float64, in fixed lanes, as <see cref="Vectors"/>.
/// </summary>
internal static class Sketch
{
    private const int Group = 4;

    /// <summary>sum += f B (A W).</summary>
    /// <param name="sum">d_out x probes.</param>
    /// <param name="factor">f.</param>
    /// <param name="b">d_out x r, row by row.</param>
    /// <param name="a">r x d_in, row by row.</param>
    /// <param name="probes">W, d_in x probes.</param>
    public static void Add(Matrix sum, double factor, ReadOnlySpan<float> b, ReadOnlySpan<float> a, Matrix probes)
    {
        var rank = a.Length / probes.Rows;
        var inner = new double[rank * Group];
        for (var first = 0; first < probes.Columns; first += Group)
        {
            var count = Math.Min(Group, probes.Columns - first);
            for (var k = 0; k < rank; k++)
            {
                // Probes beyond the last repeat it; what they give is left out.
                var products = inner.AsSpan(k * Group, Group);
                Vectors.Dot4(a.Slice(k * probes.Rows, probes.Rows), probes.Column(first), probes.Column(first + Math.Min(1, count - 1)),
                    probes.Column(first + Math.Min(2, count - 1)), probes.Column(first + Math.Min(3, count - 1)), products);
                foreach (ref var product in products)
                    product *= factor;
            }
            Expand(sum, first, count, b, rank, inner);
        }
    }

    // Four rows at a time, so that one sum need not wait for the one before it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Expand(Matrix sum, int first, int count, ReadOnlySpan<float> b, int rank, ReadOnlySpan<double> inner)
    {
        ref var x = ref MemoryMarshal.GetReference(b[..(sum.Rows * rank)]);
        ref var t = ref MemoryMarshal.GetReference(inner[..(rank * Group)]);
        var row = 0;
        for (; row <= sum.Rows - 4; row += 4)
        {
            var (s0, s1, s2, s3) = (Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero, Vector256<double>.Zero);
            for (var k = 0; k < rank; k++)
            {
                var by = Vector256.LoadUnsafe(ref t, (nuint)(k * Group));
                s0 = Vector256.FusedMultiplyAdd(Vector256.Create((double)Unsafe.Add(ref x, (row * rank) + k)), by, s0);
                s1 = Vector256.FusedMultiplyAdd(Vector256.Create((double)Unsafe.Add(ref x, ((row + 1) * rank) + k)), by, s1);
                s2 = Vector256.FusedMultiplyAdd(Vector256.Create((double)Unsafe.Add(ref x, ((row + 2) * rank) + k)), by, s2);
                s3 = Vector256.FusedMultiplyAdd(Vector256.Create((double)Unsafe.Add(ref x, ((row + 3) * rank) + k)), by, s3);
            }
            for (var p = 0; p < count; p++)
            {
                var column = sum.Column(first + p).Slice(row, 4);
                column[0] += s0[p];
                column[1] += s1[p];
                column[2] += s2[p];
                column[3] += s3[p];
            }
        }
        for (; row < sum.Rows; row++)
        {
            var s = Vector256<double>.Zero;
            for (var k = 0; k < rank; k++)
                s = Vector256.FusedMultiplyAdd(Vector256.Create((double)Unsafe.Add(ref x, (row * rank) + k)),
                    Vector256.LoadUnsafe(ref t, (nuint)(k * Group)), s);
            for (var p = 0; p < count; p++)
                sum[row, first + p] += s[p];
        }
    }
}
