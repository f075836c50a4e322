using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>
/// A matrix times one row, as generation has it token by token: every weight is read once, in float32 or bfloat16, and all sums are
/// float32. Libraries pack the matrix first, which for one row takes longer than the product.
/// </summary>
internal static unsafe class RowKernel
{
    /// <summary>Multiplications below which another thread is not worth its start.</summary>
    private const long Least = 1 << 16;

    /// <summary>y = W x + b.</summary>
    /// <param name="weight">d_out x d_in, float32 or bfloat16, in one piece.</param>
    /// <param name="x">1 x d_in, float32.</param>
    /// <param name="bias">d_out, float32; null for none.</param>
    /// <returns>1 x d_out, float32.</returns>
    public static Tensor Linear(Tensor weight, Tensor x, Tensor? bias)
    {
        var (dOut, dIn, narrow) = (weight.shape[0], weight.shape[1], weight.dtype == ScalarType.BFloat16);
        var y = empty([1, dOut]);
        var (w, from, to, b) = ((nint)HostMemory.Of(weight), (nint)HostMemory.Floats(x), (nint)HostMemory.Floats(y),
            bias is null ? 0 : (nint)HostMemory.Floats(bias));
        HostMemory.InRanges(dOut, Least / dIn, (first, end) =>
        {
            if (narrow)
                Rows<Narrow>((byte*)w, dIn, (float*)from, (float*)b, 1, (float*)to, first, end);
            else
                Rows<Wide>((byte*)w, dIn, (float*)from, (float*)b, 1, (float*)to, first, end);
        });
        return y;
    }

    /// <summary>y += scale W x, in this thread; for the factors of an adapter, which are small.</summary>
    /// <param name="y">d_out numbers.</param>
    /// <param name="weight">d_out x d_in, float32, in one piece.</param>
    /// <param name="x">d_in numbers.</param>
    /// <param name="scale">Factor on the product.</param>
    public static void Add(float* y, Tensor weight, float* x, float scale) =>
        Rows<Wide>((byte*)HostMemory.Floats(weight), weight.shape[1], x, y, scale, y, 0, weight.shape[0]);

    /// <summary>y = start + scale W x for some rows; start may be null for zeros, or y itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows<T>(byte* weight, long dIn, float* x, float* start, float scale, float* y, long first, long end)
        where T : IWeights
    {
        var (size, row) = (dIn * T.Bytes, first);
        for (; row + 4 <= end; row += 4)
        {
            var w = weight + (row * size);
            var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
            var i = 0L;
            for (; i + Lanes.Width <= dIn; i += Lanes.Width)
            {
                var by = Vector512.Load(x + i);
                s0 = Vector512.FusedMultiplyAdd(T.Load(w, i), by, s0);
                s1 = Vector512.FusedMultiplyAdd(T.Load(w + size, i), by, s1);
                s2 = Vector512.FusedMultiplyAdd(T.Load(w + (2 * size), i), by, s2);
                s3 = Vector512.FusedMultiplyAdd(T.Load(w + (3 * size), i), by, s3);
            }
            y[row] = (start is null ? 0 : start[row]) + (scale * (Vector512.Sum(s0) + Rest<T>(w, i, dIn, x)));
            y[row + 1] = (start is null ? 0 : start[row + 1]) + (scale * (Vector512.Sum(s1) + Rest<T>(w + size, i, dIn, x)));
            y[row + 2] = (start is null ? 0 : start[row + 2]) + (scale * (Vector512.Sum(s2) + Rest<T>(w + (2 * size), i, dIn, x)));
            y[row + 3] = (start is null ? 0 : start[row + 3]) + (scale * (Vector512.Sum(s3) + Rest<T>(w + (3 * size), i, dIn, x)));
        }
        for (; row < end; row++)
        {
            var w = weight + (row * size);
            var (sum, i) = (Vector512<float>.Zero, 0L);
            for (; i + Lanes.Width <= dIn; i += Lanes.Width)
                sum = Vector512.FusedMultiplyAdd(T.Load(w, i), Vector512.Load(x + i), sum);
            y[row] = (start is null ? 0 : start[row]) + (scale * (Vector512.Sum(sum) + Rest<T>(w, i, dIn, x)));
        }
    }

    private static float Rest<T>(byte* w, long from, long end, float* x)
        where T : IWeights
    {
        var sum = 0f;
        for (var i = from; i < end; i++)
            sum += T.Load1(w, i) * x[i];
        return sum;
    }

    /// <summary>The weights' type, so that each has loops of its own.</summary>
    private interface IWeights
    {
        static abstract int Bytes { get; }

        static abstract Vector512<float> Load(byte* row, long place);

        static abstract float Load1(byte* row, long place);
    }

    private readonly struct Wide : IWeights
    {
        public static int Bytes => sizeof(float);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load(byte* row, long place) => Vector512.Load((float*)row + place);

        public static float Load1(byte* row, long place) => ((float*)row)[place];
    }

    private readonly struct Narrow : IWeights
    {
        public static int Bytes => sizeof(ushort);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load(byte* row, long place) => Lanes.Load(row, true, place);

        public static float Load1(byte* row, long place) => Lanes.Load1(row, true, place);
    }
}
