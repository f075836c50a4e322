using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>
/// What an evaluation wants of each row of logits: its loss, log sum exp z - z[target]; its first highest entry; the probability of that,
/// 1 / sum exp(z - highest). The logits come some columns at a time, in order: the sum so far is scaled where a higher entry comes (Milakov
/// and Gimelshein 2018, arXiv 1805.02867).
/// </summary>
/// <param name="targets">The right column of each row, int64.</param>
internal sealed unsafe class JudgeKernel(Tensor targets)
{
    private readonly long[] _targets = targets.data<long>().ToArray();
    private readonly Row[] _rows = [.. Enumerable.Repeat(new Row { Top = float.NegativeInfinity }, (int)targets.shape[0])];

    /// <summary>Takes some columns of some rows.</summary>
    /// <param name="logits">rows x columns, float32 or bfloat16, in one piece.</param>
    /// <param name="firstRow">Which row its first is.</param>
    /// <param name="firstColumn">Which column its first is.</param>
    public void Add(Tensor logits, long firstRow, long firstColumn)
    {
        var (rows, columns, narrow) = (logits.shape[0], logits.shape[1], logits.dtype == ScalarType.BFloat16);
        var from = (nint)HostMemory.Of(logits);
        HostMemory.InRanges(rows, Math.Max(1, 16384 / columns), (first, end) =>
        {
            for (var i = first; i < end; i++)
            {
                var z = (byte*)from + (i * columns * (narrow ? sizeof(ushort) : sizeof(float)));
                ref var row = ref _rows[firstRow + i];
                var top = CrossEntropyKernel.Highest(z, narrow, columns);
                // Of equals the first stays; what is not a number spreads.
                if (!(top <= row.Top))
                    (row.Sum, row.Top, row.Place) = (row.Sum * Math.Exp(row.Top - top), top, firstColumn + First(z, narrow, columns, top));
                if (row.Top != float.NegativeInfinity)
                    row.Sum += Exponentials(z, narrow, columns, row.Top);
                if (_targets[firstRow + i] - firstColumn is >= 0 and var target && target < columns)
                    row.Right = Lanes.Load1(z, narrow, target);
            }
        });
    }

    /// <summary>Of each row, when all columns have come: losses (float32), guesses (int64), confidences (float32).</summary>
    public Tensor[] Result() =>
    [
        tensor(Array.ConvertAll(_rows, row => (float)(Math.Log(row.Sum) + row.Top - row.Right))),
        tensor(Array.ConvertAll(_rows, row => row.Place)),
        tensor(Array.ConvertAll(_rows, row => (float)(1 / row.Sum))),
    ];

    /// <summary>Where a value comes first; 0 for what is not a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long First(void* z, bool narrow, long count, float value)
    {
        var (vectors, wanted) = (count - (count % Lanes.Width), Vector512.Create(value));
        for (var i = 0L; i < vectors; i += Lanes.Width)
        {
            var found = Vector512.Equals(Lanes.Load(z, narrow, i), wanted).ExtractMostSignificantBits();
            if (found != 0)
                return i + BitOperations.TrailingZeroCount(found);
        }
        for (var i = vectors; i < count; i++)
        {
            if (Lanes.Load1(z, narrow, i) == value)
                return i;
        }
        return 0;
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

    /// <summary>A row so far: its highest entry and where that is, the sum of exp(z - highest), the right column's entry.</summary>
    private struct Row
    {
        public float Top;
        public long Place;
        public double Sum;
        public float Right;
    }
}
