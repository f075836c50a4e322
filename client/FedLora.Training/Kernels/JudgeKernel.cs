using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>What an evaluation wants of each row of logits, in two passes over the row instead of libtorch's five.</summary>
internal static unsafe class JudgeKernel
{
    /// <summary>
    /// Each row's loss, log sum exp z - z[target]; its first highest entry; the probability of that, 1 / sum exp(z - highest).
    /// </summary>
    /// <param name="logits">rows x classes, float32 or bfloat16, in one piece.</param>
    /// <param name="targets">rows, int64, in one piece.</param>
    public static (Tensor Losses, Tensor Guesses, Tensor Confidences) Run(Tensor logits, Tensor targets)
    {
        var (rows, classes, narrow) = (logits.shape[0], logits.shape[1], logits.dtype == ScalarType.BFloat16);
        var (losses, guesses, confidences) = (empty([rows]), empty([rows], dtype: ScalarType.Int64), empty([rows]));
        var (from, target) = ((nint)HostMemory.Of(logits), (nint)HostMemory.Of(targets));
        var (loss, guess, sure) = ((nint)HostMemory.Floats(losses), (nint)HostMemory.Of(guesses), (nint)HostMemory.Floats(confidences));
        HostMemory.InRanges(rows, Math.Max(1, 16384 / classes), (first, end) =>
        {
            for (var row = first; row < end; row++)
            {
                var z = (byte*)from + (row * classes * (narrow ? sizeof(ushort) : sizeof(float)));
                var (place, top) = Highest(z, narrow, classes);
                var sum = Exponentials(z, narrow, classes, top);
                ((float*)loss)[row] = (float)(Math.Log(sum) + top - Lanes.Load1(z, narrow, ((long*)target)[row]));
                ((long*)guess)[row] = place;
                ((float*)sure)[row] = (float)(1 / sum);
            }
        });
        return (losses, guesses, confidences);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (long Place, float Value) Highest(void* z, bool narrow, long count)
    {
        var vectors = count - (count % Lanes.Width);
        var highest = Vector512.Create(float.NegativeInfinity);
        for (var i = 0L; i < vectors; i += Lanes.Width)
            highest = Vector512.MaxNative(highest, Lanes.Load(z, narrow, i));
        var top = Lanes.Highest(highest);
        for (var i = vectors; i < count; i++)
            top = MathF.Max(top, Lanes.Load1(z, narrow, i));
        var wanted = Vector512.Create(top);
        for (var i = 0L; i < vectors; i += Lanes.Width)
        {
            var found = Vector512.Equals(Lanes.Load(z, narrow, i), wanted).ExtractMostSignificantBits();
            if (found != 0)
                return (i + BitOperations.TrailingZeroCount(found), top);
        }
        for (var i = vectors; i < count; i++)
        {
            if (Lanes.Load1(z, narrow, i) == top)
                return (i, top);
        }
        // Not a number.
        return (0, top);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Exponentials(void* z, bool narrow, long count, float top)
    {
        var vectors = count - (count % Lanes.Width);
        var (sums, shift) = (Vector512<float>.Zero, Vector512.Create(top));
        for (var i = 0L; i < vectors; i += Lanes.Width)
            sums += Lanes.Exp(Lanes.Load(z, narrow, i) - shift);
        var sum = 0.0;
        for (var lane = 0; lane < Lanes.Width; lane++)
            sum += sums[lane];
        for (var i = vectors; i < count; i++)
            sum += MathF.Exp(Lanes.Load1(z, narrow, i) - top);
        return sum;
    }
}
