using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>Each row's loss, log sum exp z - z[target], and in the place of the logits its gradient w (softmax(z) - onehot), in three passes over a row.</summary>
internal static unsafe class CrossEntropyKernel
{
    /// <summary>Runs it.</summary>
    /// <param name="logits">rows x words, float32 or bfloat16; becomes the gradient of sum w_t loss_t.</param>
    /// <param name="targets">rows, int64.</param>
    /// <param name="weights">rows, float32.</param>
    /// <param name="losses">rows, float32: each row's own loss.</param>
    public static void Run(Tensor logits, Tensor targets, Tensor weights, Tensor losses)
    {
        var (rows, words, narrow) = (logits.shape[0], logits.shape[1], logits.dtype == ScalarType.BFloat16);
        var (z, target, weight, loss) = ((nint)HostMemory.Of(logits), (nint)HostMemory.Of(targets), (nint)HostMemory.Floats(weights), (nint)HostMemory.Floats(losses));
        var step = words * (narrow ? sizeof(ushort) : sizeof(float));
        HostMemory.InRanges(rows, Math.Max(1, 16384 / words), (first, end) =>
        {
            var exponentials = new float[words];
            fixed (float* e = exponentials)
            {
                for (var row = first; row < end; row++)
                    ((float*)loss)[row] = Row((byte*)z + (row * step), narrow, words, ((long*)target)[row], ((float*)weight)[row], e);
            }
        });
    }

    private static float Row(void* row, bool narrow, long words, long target, float weight, float* e)
    {
        var right = Lanes.Load1(row, narrow, target);
        var vectors = words - (words % Lanes.Width);
        var highest = Vector512.Create(float.NegativeInfinity);
        for (var i = 0L; i < vectors; i += Lanes.Width)
        {
            var z = Lanes.Load(row, narrow, i);
            Vector512.Store(z, e + i);
            highest = Vector512.Max(highest, z);
        }
        var top = float.NegativeInfinity;
        for (var lane = 0; lane < Lanes.Width; lane++)
            top = MathF.Max(top, highest[lane]);
        for (var i = vectors; i < words; i++)
            top = MathF.Max(top, e[i] = Lanes.Load1(row, narrow, i));
        var (sums, shift) = (Vector512<float>.Zero, Vector512.Create(top));
        for (var i = 0L; i < vectors; i += Lanes.Width)
        {
            var power = Lanes.Exp(Vector512.Load(e + i) - shift);
            Vector512.Store(power, e + i);
            sums += power;
        }
        double sum = 0;
        for (var lane = 0; lane < Lanes.Width; lane++)
            sum += sums[lane];
        for (var i = vectors; i < words; i++)
            sum += e[i] = MathF.Exp(e[i] - top);
        e[target] -= (float)sum;
        var factor = (float)(weight / sum);
        for (var i = 0L; i < vectors; i += Lanes.Width)
            Lanes.Store(Vector512.Load(e + i) * factor, row, narrow, i);
        for (var i = vectors; i < words; i++)
            Lanes.Store1(e[i] * factor, row, narrow, i);
        return (float)(Math.Log(sum) + top - right);
    }
}
