using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>
/// Each row's loss, log sum exp z - z[target], and in the place of the logits its gradient w (softmax(z) - onehot), in three passes over a
/// row.
/// </summary>
internal static unsafe class CrossEntropyKernel
{
    /// <summary>Runs it.</summary>
    /// <param name="logits">rows x words, float32 or bfloat16, cut into parts of the words; becomes the gradient of sum w_t loss_t.</param>
    /// <param name="targets">rows, int64.</param>
    /// <param name="weights">rows, float32.</param>
    /// <param name="losses">rows, float32: each row's own loss.</param>
    public static void Run(IReadOnlyList<Tensor> logits, Tensor targets, Tensor weights, Tensor losses)
    {
        var (rows, narrow) = (logits[0].shape[0], logits[0].dtype == ScalarType.BFloat16);
        var parts = logits.Select(part => new Part((nint)HostMemory.Of(part), part.shape[1])).ToArray();
        var words = parts.Sum(part => part.Words);
        var (target, weight, loss) = ((nint)HostMemory.Of(targets), (nint)HostMemory.Floats(weights), (nint)HostMemory.Floats(losses));
        HostMemory.InRanges(rows, Math.Max(1, 16384 / words), (first, end) =>
        {
            var exponentials = new float[words];
            fixed (float* e = exponentials)
            {
                for (var row = first; row < end; row++)
                    ((float*)loss)[row] = Row(parts, row, narrow, ((long*)target)[row], ((float*)weight)[row], e);
            }
        });
    }

    private static float Row(Part[] parts, long row, bool narrow, long target, float weight, float* e)
    {
        var (top, right, first) = (float.NegativeInfinity, 0f, 0L);
        foreach (var part in parts)
        {
            top = MathF.Max(top, Highest(part.Row(row, narrow), narrow, part.Words));
            if (target >= first && target < first + part.Words)
                right = Lanes.Load1(part.Row(row, narrow), narrow, target - first);
            first += part.Words;
        }
        var sum = 0.0;
        var place = e;
        foreach (var part in parts)
        {
            sum += Exponentiate(part.Row(row, narrow), narrow, part.Words, top, place);
            place += part.Words;
        }
        e[target] -= (float)sum;
        place = e;
        foreach (var part in parts)
        {
            Scale(place, part.Words, (float)(weight / sum), part.Row(row, narrow), narrow);
            place += part.Words;
        }
        return (float)(Math.Log(sum) + top - right);
    }

    /// <summary>The highest entry of a row; of one with NaN it may be that or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Highest(void* row, bool narrow, long words)
    {
        var vectors = words - (words % Lanes.Width);
        var highest = Vector512.Create(float.NegativeInfinity);
        for (var i = 0L; i < vectors; i += Lanes.Width)
            highest = Vector512.MaxNative(highest, Lanes.Load(row, narrow, i));
        var top = Lanes.Highest(highest);
        for (var i = vectors; i < words; i++)
            top = MathF.Max(top, Lanes.Load1(row, narrow, i));
        return top;
    }

    /// <summary>Puts e^(z - top) for each z into e; returns the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Exponentiate(void* row, bool narrow, long words, float top, float* e)
    {
        var vectors = words - (words % Lanes.Width);
        var (sums, shift) = (Vector512<float>.Zero, Vector512.Create(top));
        for (var i = 0L; i < vectors; i += Lanes.Width)
        {
            var power = Lanes.Exp(Lanes.Load(row, narrow, i) - shift);
            Vector512.Store(power, e + i);
            sums += power;
        }
        double sum = 0;
        for (var lane = 0; lane < Lanes.Width; lane++)
            sum += sums[lane];
        for (var i = vectors; i < words; i++)
            sum += e[i] = MathF.Exp(Lanes.Load1(row, narrow, i) - top);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(float* e, long words, float factor, void* row, bool narrow)
    {
        var vectors = words - (words % Lanes.Width);
        for (var i = 0L; i < vectors; i += Lanes.Width)
            Lanes.Store(Vector512.Load(e + i) * factor, row, narrow, i);
        for (var i = vectors; i < words; i++)
            Lanes.Store1(e[i] * factor, row, narrow, i);
    }

    /// <summary>Some of the words, for all rows.</summary>
    private readonly record struct Part(nint Data, long Words)
    {
        public void* Row(long row, bool narrow) => (byte*)Data + (row * Words * (narrow ? sizeof(ushort) : sizeof(float)));
    }
}
