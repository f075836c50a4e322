using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FedLora.Training.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Privacy;

/// <summary>
/// Every example's g_i^T a_i at once. A BLAS is called once for each example, and its threads meet for each call, which costs more than so
/// small a product; here threads take examples. The narrower side (a LoRA rank) comes first in the result, so that its rows are long.
/// </summary>
internal static unsafe class ExampleProducts
{
    /// <summary>Columns in one go: what 8 vectors hold in the cache beside the sums.</summary>
    private const int Block = 128;

    /// <summary>Whether it can read both: on the CPU, float32 or bfloat16, the numbers of a row beside each other.</summary>
    public static bool CanRead(Tensor g, Tensor a) => CanRead(g) && CanRead(a);

    /// <summary>Whether the result lies as in x out instead of out x in.</summary>
    public static bool IsFlipped(Tensor g, Tensor a) => g.shape[1] > a.shape[1];

    /// <summary>The products.</summary>
    /// <param name="g">rows x out.</param>
    /// <param name="a">rows x in.</param>
    /// <param name="scale">A factor.</param>
    /// <param name="rows">Rows of each example, as many in all as g and a have.</param>
    /// <returns>float32, examples x out x in, or examples x in x out if <see cref="IsFlipped"/>.</returns>
    public static Tensor Form(Tensor g, Tensor a, double scale, IReadOnlyList<int> rows)
    {
        var (slim, wide) = IsFlipped(g, a) ? (new Matrix(a), new Matrix(g)) : (new Matrix(g), new Matrix(a));
        var formed = empty([rows.Count, slim.Columns, wide.Columns], dtype: ScalarType.Float32, device: g.device);
        var (target, factor, starts, longest) = ((nint)HostMemory.Floats(formed), (float)scale, new long[rows.Count], 0);
        for (var i = 0; i < rows.Count; i++)
        {
            starts[i] = i == 0 ? 0 : starts[i - 1] + rows[i - 1];
            longest = Math.Max(longest, rows[i]);
        }
        HostMemory.Each(rows.Count, () => new Workspace(longest, slim.Columns), (i, work) =>
        {
            work.TakeSlim(slim, starts[i], rows[i], factor);
            for (var column = 0; column < wide.Columns; column += Block)
            {
                var width = Math.Min(Block, wide.Columns - column);
                work.TakeWide(wide, starts[i], rows[i], column, width);
                TileProduct.Run(work.SlimRoom, Up(width, Lanes.Width), rows[i], work.Slim, 1, work.SlimRoom, work.Wide, Block, work.Sum,
                    Block, false);
                for (var row = 0; row < slim.Columns; row++)
                    new ReadOnlySpan<float>(work.Sum + (row * Block), width)
                        .CopyTo(new Span<float>((float*)target + ((((long)i * slim.Columns) + row) * wide.Columns) + column, width));
            }
        });
        return formed;
    }

    /// <summary>
    /// Each example's squared norm over all of some tensors, examples first in each; float32 on the CPU without gaps, summed in double
    /// precision.
    /// </summary>
    public static double[] Squares(IReadOnlyList<Tensor> formed, int examples)
    {
        var (parts, squares) = (formed.Select(tensor => ((nint)HostMemory.Floats(tensor), (int)(tensor.numel() / examples))).ToArray(),
            new double[examples]);
        HostMemory.InRanges(examples, 1, (first, end) =>
        {
            for (var i = first; i < end; i++)
            {
                var sum = 0.0;
                foreach (var (data, length) in parts)
                    sum += WideSums.OfSquares(new ReadOnlySpan<float>((float*)data + (i * length), length));
                squares[i] = sum;
            }
        });
        return squares;
    }

    /// <summary>
    /// Adds the sum over examples of factor times formed to each total, which is float64, turned where the formed one lies in x out.
    /// </summary>
    public static void AddWeighted(IReadOnlyList<(Tensor Formed, Tensor Total)> pairs, double[] factors)
    {
        var work = pairs.Select(pair => ((nint)HostMemory.Floats(pair.Formed), (nint)HostMemory.Of(pair.Total),
            (int)(pair.Total.numel() / pair.Total.shape[0]), pair.Formed.numel() / factors.Length,
            pair.Formed.shape[1] != pair.Total.shape[0])).ToArray();
        HostMemory.InRanges(work.Length, 1, (first, end) =>
        {
            for (var part = first; part < end; part++)
            {
                var (data, target, columns, length, isFlipped) = work[part];
                var total = new Span<double>((double*)target, (int)length);
                var sum = isFlipped ? new double[length] : total;
                for (var i = 0; i < factors.Length; i++)
                    WideSums.AddScaled(new ReadOnlySpan<float>((float*)data + (i * length), (int)length), factors[i], sum);
                var rows = (int)length / columns;
                for (var i = 0; isFlipped && i < total.Length; i++)
                    total[i] += sum[(i % columns * rows) + (i / columns)];
            }
        });
    }

    private static bool CanRead(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && tensor.dtype is ScalarType.Float32 or ScalarType.BFloat16 && tensor.shape[0] > 0
            && tensor.stride()[1] == 1;

    private static int Up(int number, int multiple) => (number + multiple - 1) / multiple * multiple;

    /// <summary>Rows that may lie apart.</summary>
    private readonly struct Matrix
    {
        private readonly nint _data;
        private readonly long _stride;

        public Matrix(Tensor tensor)
        {
            // Only tensors without gaps tell where they begin; a row is one.
            using var first = tensor.narrow(0, 0, 1);
            (_data, _stride, Narrow, Columns) = ((nint)HostMemory.Of(first), tensor.stride()[0], tensor.dtype == ScalarType.BFloat16,
                (int)tensor.shape[1]);
        }

        public bool Narrow { get; }

        public int Columns { get; }

        public void* Row(long row) => (byte*)_data + (row * _stride * (Narrow ? sizeof(ushort) : sizeof(float)));
    }

    /// <summary>One thread's copies of what it multiplies, filled up with zeros to whole vectors.</summary>
    private sealed class Workspace : IDisposable
    {
        private readonly void* _memory;

        public Workspace(int rows, int slim)
        {
            SlimRoom = Up(slim, TileProduct.Rows);
            _memory = NativeMemory.AlignedAlloc((nuint)((rows + 1) * (SlimRoom + Block) + (SlimRoom * Block)) * sizeof(float), 64);
            Wide = (float*)_memory;
            Sum = Wide + ((rows + 1) * Block);
            Slim = Sum + (SlimRoom * Block);
        }

        public int SlimRoom { get; }

        public float* Wide { get; }

        public float* Sum { get; }

        public float* Slim { get; }

        public void TakeSlim(Matrix from, long first, int rows, float factor)
        {
            for (var row = 0; row < rows; row++)
            {
                var source = from.Row(first + row);
                var target = Slim + (row * SlimRoom);
                for (var i = 0; i < SlimRoom; i++)
                    target[i] = i < from.Columns ? Lanes.Load1(source, from.Narrow, i) * factor : 0;
            }
        }

        public void TakeWide(Matrix from, long first, int rows, int column, int width)
        {
            for (var row = 0; row < rows; row++)
            {
                var source = from.Row(first + row);
                var target = Wide + (row * Block);
                var i = 0;
                for (; i + Lanes.Width <= width; i += Lanes.Width)
                    Vector512.Store(Lanes.Load(source, from.Narrow, column + i), target + i);
                for (; i < width; i++)
                    target[i] = Lanes.Load1(source, from.Narrow, column + i);
                for (; i < Up(width, Lanes.Width); i++)
                    target[i] = 0;
            }
        }

        public void Dispose() => NativeMemory.AlignedFree(_memory);
    }
}
