using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FedLora.Training.Blocks;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>Attention of one new position to itself and those before it, in generation: softmax(s q k^T) v for every head.</summary>
internal static unsafe class DecodeKernel
{
    /// <summary>Multiplications below which another thread is not worth its start.</summary>
    private const long Least = 1 << 16;

    /// <summary>Turns some heads of one position, see <see cref="Rotary"/>, in their place.</summary>
    /// <param name="heads">1 x heads x head size, float32, in one piece.</param>
    /// <param name="cosine">Half the turned numbers, float32; of that position.</param>
    /// <param name="sine">As the cosine.</param>
    public static void Turn(Tensor heads, Tensor cosine, Tensor sine)
    {
        var (count, size, half) = (heads.shape[1], heads.shape[2], cosine.numel());
        float* x = HostMemory.Floats(heads), cos = HostMemory.Floats(cosine), sin = HostMemory.Floats(sine);
        for (var head = 0L; head < count; head++, x += size)
        {
            for (var i = 0L; i < half; i++)
            {
                var (a, b) = (x[i], x[half + i]);
                (x[i], x[half + i]) = ((a * cos[i]) - (b * sin[i]), (b * cos[i]) + (a * sin[i]));
            }
        }
    }

    /// <summary>Attends.</summary>
    /// <param name="plan">The shape.</param>
    /// <param name="softCap">scores = c tanh(scores / c), or null.</param>
    /// <param name="query">1 x query heads x head size, float32, turned, in one piece.</param>
    /// <param name="keys">positions x key heads x head size, float32, turned, in one piece; the new position last.</param>
    /// <param name="values">As the keys.</param>
    /// <returns>1 x (query heads * head size), float32.</returns>
    public static Tensor Run(AttentionPlan plan, double? softCap, Tensor query, Tensor keys, Tensor values)
    {
        var result = empty([1, plan.Heads * plan.HeadSize]);
        var positions = (int)keys.shape[0];
        var first = plan.Window is { } window ? Math.Max(0, positions - window) : 0;
        var (q, k, v, y) = ((nint)HostMemory.Floats(query), (nint)HostMemory.Floats(keys), (nint)HostMemory.Floats(values),
            (nint)HostMemory.Floats(result));
        var step = plan.KeyHeads * plan.HeadSize;
        HostMemory.InRanges(plan.Heads, Least / Math.Max(1, 2L * (positions - first) * plan.HeadSize), (from, end) =>
        {
            var scores = ArrayPool<float>.Shared.Rent(positions - first);
            fixed (float* s = scores)
            {
                for (var head = from; head < end; head++)
                {
                    var shared = (head / (plan.Heads / plan.KeyHeads) * plan.HeadSize) + ((long)first * step);
                    Head((float*)q + (head * plan.HeadSize), (float*)k + shared, (float*)v + shared, (float*)y + (head * plan.HeadSize), s,
                        positions - first, step, plan.HeadSize, plan.Scale, softCap);
                }
            }
            ArrayPool<float>.Shared.Return(scores);
        });
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Head(float* q, float* k, float* v, float* y, float* scores, int positions, int step, int size, float scale,
        double? softCap)
    {
        var top = float.NegativeInfinity;
        for (var p = 0; p < positions; p++)
        {
            var score = Inner(q, k + ((long)p * step), size) * scale;
            if (softCap is { } cap)
                score = (float)(Math.Tanh(score / cap) * cap);
            scores[p] = score;
            top = MathF.Max(top, score);
        }
        var sum = 0.0;
        for (var p = 0; p < positions; p++)
            sum += scores[p] = MathF.Exp(scores[p] - top);
        var i = 0;
        for (; i + Lanes.Width <= size; i += Lanes.Width)
        {
            var mixed = Vector512<float>.Zero;
            for (var p = 0; p < positions; p++)
                mixed = Vector512.FusedMultiplyAdd(Vector512.Create(scores[p]), Vector512.Load(v + ((long)p * step) + i), mixed);
            Vector512.Store(mixed * (float)(1 / sum), y + i);
        }
        for (; i < size; i++)
        {
            var mixed = 0.0;
            for (var p = 0; p < positions; p++)
                mixed += (double)scores[p] * v[((long)p * step) + i];
            y[i] = (float)(mixed / sum);
        }
    }

    private static float Inner(float* a, float* b, int size)
    {
        var (sums, i) = (Vector512<float>.Zero, 0);
        for (; i + Lanes.Width <= size; i += Lanes.Width)
            sums = Vector512.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), sums);
        var sum = Vector512.Sum(sums);
        for (; i < size; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
