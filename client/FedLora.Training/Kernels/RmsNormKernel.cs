using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>
/// The root-mean-square norm of rows and its gradient by them, in one pass each; equations at <see cref="Blocks.RmsNormFunction"/>.
/// </summary>
internal static unsafe class RmsNormKernel
{
    /// <summary>y = x q (w + c), and each row's q.</summary>
    /// <param name="x">rows x n, float32.</param>
    /// <param name="weight">n, float32: w + c.</param>
    /// <param name="epsilon">eps.</param>
    /// <param name="result">rows x n, float32 or bfloat16.</param>
    /// <param name="inverse">rows, float32: q.</param>
    public static void Forward(Tensor x, Tensor weight, double epsilon, Tensor result, Tensor inverse)
    {
        var (n, narrow) = (weight.shape[0], result.dtype == ScalarType.BFloat16);
        var (from, w, to, q) = ((nint)HostMemory.Floats(x), (nint)HostMemory.Floats(weight), (nint)HostMemory.Of(result),
            (nint)HostMemory.Floats(inverse));
        HostMemory.InRanges(x.numel() / n, 64, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (first, end) =>
        {
            for (var row = first; row < end; row++)
            {
                var values = (float*)from + (row * n);
                var target = (byte*)to + (row * n * (narrow ? sizeof(ushort) : sizeof(float)));
                var scale = (float)(1 / Math.Sqrt((Inner(values, values, n) / n) + epsilon));
                ((float*)q)[row] = scale;
                var i = 0L;
                for (; i + Lanes.Width <= n; i += Lanes.Width)
                    Lanes.Store(Vector512.Load(values + i) * scale * Vector512.Load((float*)w + i), target, narrow, i);
                for (; i < n; i++)
                    Lanes.Store1(values[i] * scale * ((float*)w)[i], target, narrow, i);
            }
        });
    }

    /// <summary>dL/dx = q (v - x q^2 mean(v x)) with v = g (w + c).</summary>
    /// <param name="x">rows x n, float32.</param>
    /// <param name="weight">n, float32: w + c.</param>
    /// <param name="inverse">rows, float32: q.</param>
    /// <param name="gradient">rows x n, float32 or bfloat16: g.</param>
    /// <param name="dx">rows x n, float32: the result.</param>
    public static void Backward(Tensor x, Tensor weight, Tensor inverse, Tensor gradient, Tensor dx)
    {
        var (n, narrow) = (weight.shape[0], gradient.dtype == ScalarType.BFloat16);
        var (from, w, g, to, q) = ((nint)HostMemory.Floats(x), (nint)HostMemory.Floats(weight), (nint)HostMemory.Of(gradient),
            (nint)HostMemory.Floats(dx), (nint)HostMemory.Floats(inverse));
        HostMemory.InRanges(x.numel() / n, 64, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (first, end) =>
        {
            for (var row = first; row < end; row++)
            {
                var values = (float*)from + (row * n);
                var by = (byte*)g + (row * n * (narrow ? sizeof(ushort) : sizeof(float)));
                var target = (float*)to + (row * n);
                var scale = ((float*)q)[row];
                var i = 0L;
                for (; i + Lanes.Width <= n; i += Lanes.Width)
                    Vector512.Store(Lanes.Load(by, narrow, i) * Vector512.Load((float*)w + i), target + i);
                for (; i < n; i++)
                    target[i] = Lanes.Load1(by, narrow, i) * ((float*)w)[i];
                var mean = (float)(Inner(target, values, n) / n * scale * scale);
                for (i = 0; i + Lanes.Width <= n; i += Lanes.Width)
                    Vector512.Store((Vector512.Load(target + i) - (Vector512.Load(values + i) * mean)) * scale, target + i);
                for (; i < n; i++)
                    target[i] = (target[i] - (values[i] * mean)) * scale;
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Inner(float* a, float* b, long n)
    {
        var (sums, i) = (Vector512<float>.Zero, 0L);
        for (; i + Lanes.Width <= n; i += Lanes.Width)
            sums = Vector512.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), sums);
        double sum = Vector512.Sum(sums);
        for (; i < n; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}
