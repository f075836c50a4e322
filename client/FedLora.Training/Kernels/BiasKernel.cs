using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>
/// A product in bfloat16 plus a bias in float32, rounded once, in one pass: libtorch's operations go three times through memory of twice
/// the width.
/// </summary>
internal static unsafe class BiasKernel
{
    /// <summary>y = x + b.</summary>
    /// <param name="x">rows x n, in one piece; becomes the result where it is of its type.</param>
    /// <param name="bias">n, float32.</param>
    /// <param name="result">float32 or bfloat16.</param>
    public static Tensor Add(Tensor x, Tensor bias, ScalarType result)
    {
        var (rows, n) = (x.shape[0], x.shape[1]);
        var y = result == x.dtype ? x.alias() : empty(x.shape, dtype: result);
        var (narrowX, narrowY) = (x.dtype == ScalarType.BFloat16, result == ScalarType.BFloat16);
        var (from, by, to) = ((nint)HostMemory.Of(x), (nint)HostMemory.Floats(bias), (nint)HostMemory.Of(y));
        HostMemory.InRanges(rows, Math.Max(1, 16384 / n), [MethodImpl(MethodImplOptions.AggressiveOptimization)] (first, end) =>
        {
            for (var row = first; row < end; row++)
            {
                var source = (byte*)from + (row * n * (narrowX ? sizeof(ushort) : sizeof(float)));
                var target = (byte*)to + (row * n * (narrowY ? sizeof(ushort) : sizeof(float)));
                var i = 0L;
                for (; i + Lanes.Width <= n; i += Lanes.Width)
                    Lanes.Store(Lanes.Load(source, narrowX, i) + Vector512.Load((float*)by + i), target, narrowY, i);
                for (; i < n; i++)
                    Lanes.Store1(Lanes.Load1(source, narrowX, i) + ((float*)by)[i], target, narrowY, i);
            }
        });
        return y;
    }
}
