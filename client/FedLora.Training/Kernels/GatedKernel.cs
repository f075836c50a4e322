using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>
/// y = silu(a) b for a and b beside each other, in one pass; and its gradient: with s = sigmoid(a), dL/da = g b s (1 + a (1 - s)), dL/db =
/// g a s.
/// </summary>
internal static unsafe class GatedKernel
{
    /// <summary>rows x 2n becomes rows x n, of the same type.</summary>
    public static void Forward(Tensor hidden, Tensor result)
    {
        var (narrow, n) = (hidden.dtype == ScalarType.BFloat16, result.shape[1]);
        var (x, y, size) = ((nint)HostMemory.Of(hidden), (nint)HostMemory.Of(result), narrow ? sizeof(ushort) : sizeof(float));
        HostMemory.InRanges(result.shape[0], 16, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (first, end) =>
        {
            for (var row = first; row < end; row++)
            {
                var a = (byte*)x + (row * 2 * n * size);
                var b = a + (n * size);
                var to = (byte*)y + (row * n * size);
                var i = 0L;
                for (; i + Lanes.Width <= n; i += Lanes.Width)
                {
                    var gate = Lanes.Load(a, narrow, i);
                    Lanes.Store(gate * Sigmoid(gate) * Lanes.Load(b, narrow, i), to, narrow, i);
                }
                for (; i < n; i++)
                {
                    var gate = Lanes.Load1(a, narrow, i);
                    Lanes.Store1(gate * Sigmoid(gate) * Lanes.Load1(b, narrow, i), to, narrow, i);
                }
            }
        });
    }

    /// <summary>The gradient by hidden, rows x 2n, from that by the result; all of one type.</summary>
    public static void Backward(Tensor hidden, Tensor dResult, Tensor dHidden)
    {
        var (narrow, n) = (hidden.dtype == ScalarType.BFloat16, dResult.shape[1]);
        var (x, dy, dx, size) = ((nint)HostMemory.Of(hidden), (nint)HostMemory.Of(dResult), (nint)HostMemory.Of(dHidden),
            narrow ? sizeof(ushort) : sizeof(float));
        HostMemory.InRanges(dResult.shape[0], 16, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (first, end) =>
        {
            for (var row = first; row < end; row++)
            {
                var a = (byte*)x + (row * 2 * n * size);
                var b = a + (n * size);
                var g = (byte*)dy + (row * n * size);
                var da = (byte*)dx + (row * 2 * n * size);
                var db = da + (n * size);
                var i = 0L;
                for (; i + Lanes.Width <= n; i += Lanes.Width)
                {
                    var (gate, up, by) = (Lanes.Load(a, narrow, i), Lanes.Load(b, narrow, i), Lanes.Load(g, narrow, i));
                    var s = Sigmoid(gate);
                    Lanes.Store(by * up * s * (Vector512<float>.One + (gate * (Vector512<float>.One - s))), da, narrow, i);
                    Lanes.Store(by * gate * s, db, narrow, i);
                }
                for (; i < n; i++)
                {
                    var (gate, up, by) = (Lanes.Load1(a, narrow, i), Lanes.Load1(b, narrow, i), Lanes.Load1(g, narrow, i));
                    var s = Sigmoid(gate);
                    Lanes.Store1(by * up * s * (1 + (gate * (1 - s))), da, narrow, i);
                    Lanes.Store1(by * gate * s, db, narrow, i);
                }
            }
        });
    }

    private static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + Lanes.Exp(-x));

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
}
