using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FedLora.Training.Blocks;
using static TorchSharp.torch;

namespace FedLora.Training.Kernels;

/// <summary>What the kernel is to attend with.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyHeads">Key and value heads.</param>
/// <param name="HeadSize">Numbers of a head.</param>
/// <param name="Scale">Factor on q k^T.</param>
/// <param name="Causal">Whether a position sees only itself and what comes before.</param>
/// <param name="Window">How many positions, itself included, it sees; null for all.</param>
internal sealed record AttentionPlan(int Heads, int KeyHeads, int HeadSize, float Scale, bool Causal, int? Window);

/// <summary>
/// softmax(s q k^T + mask) v for the heads of every example, without scores in memory (Dao et al. 2022, arXiv 2205.14135): some queries of
/// one head at a time meet all their keys in the cache. Queries and keys are turned by their positions on the way (see
/// <see cref="Rotary"/>). With P the probabilities and L their row's log-sum: dV = P^T dY, dS = P (dY V^T - rowsum(P dY V^T)), dQ = s dS K,
/// dK = s dS^T Q.
/// </summary>
internal sealed unsafe class AttentionKernel
{
    /// <summary>Queries that go together, and the multiple that keys are filled up to.</summary>
    private const int Tile = 32;

    private readonly AttentionPlan _plan;
    private readonly (int First, int Length)[] _examples;
    private readonly int _half;
    private readonly int _size;
    private readonly nint _cosine;
    private readonly nint _sine;
    private readonly int _longest;

    /// <param name="plan">The shape.</param>
    /// <param name="groups">The examples.</param>
    /// <param name="cosine">rows x half the turned numbers, or null where positions are learnt.</param>
    /// <param name="sine">As the cosine.</param>
    public AttentionKernel(AttentionPlan plan, IReadOnlyList<LengthGroup> groups, Tensor? cosine, Tensor? sine)
    {
        _plan = plan;
        _examples = [.. groups.SelectMany(g => Enumerable.Range(0, g.Count).Select(i => (g.FirstRow + (i * g.Length), g.Length)))];
        _size = Up(plan.HeadSize, Lanes.Width);
        _longest = _examples.Max(e => e.Length);
        if (cosine is not null)
            (_half, _cosine, _sine) = ((int)cosine.shape[^1], (nint)HostMemory.Floats(cosine), (nint)HostMemory.Floats(sine!));
    }

    /// <summary>Attends.</summary>
    /// <param name="heads">rows x ((query heads + 2 key heads) * head size): queries, keys, values; float32 or bfloat16.</param>
    /// <param name="mixed">rows x (query heads * head size), of the same type: the result.</param>
    /// <param name="logs">rows x query heads, float32: log of each row's sum of exponentials, for the way back.</param>
    public void Forward(Tensor heads, Tensor mixed, Tensor logs)
    {
        var (x, y, log) = (new Matrix(heads), new Matrix(mixed), (nint)HostMemory.Floats(logs));
        Each([MethodImpl(MethodImplOptions.AggressiveOptimization)] (work, example, shared) =>
        {
            work.Keys(this, x, example, shared, isForward: true);
            var sums = stackalloc float[Tile];
            for (var head = shared * PerKey; head < (shared + 1) * PerKey; head++)
            {
                for (var start = 0; start < example.Length; start += Tile)
                {
                    var (from, to) = Reach(start, example.Length);
                    Gather(x, example, start, head * _plan.HeadSize, work.Q, true, _plan.Scale);
                    TileProduct.Run(Tile, to - from, _size, work.Q, _size, 1, work.KT + from, work.Room, work.P, work.Room, false);
                    for (var i = 0; i < Tile; i++)
                    {
                        var (low, high) = Sees(start + i, example.Length);
                        var (top, sum) = Exponentials(work.P + (i * work.Room), to - from, low - from, high - from);
                        sums[i] = sum;
                        if (start + i < example.Length)
                            ((float*)log)[((long)(example.First + start + i) * _plan.Heads) + head] = top + MathF.Log(sum);
                    }
                    TileProduct.Run(Tile, _size, to - from, work.P, work.Room, 1, work.V + (from * _size), _size, work.Out, _size, false);
                    Divide(work.Out, sums);
                    Scatter(work.Out, y, example, start, head * _plan.HeadSize, false);
                }
            }
        });
    }

    /// <summary>The way back.</summary>
    /// <param name="heads">As before.</param>
    /// <param name="logs">As <see cref="Forward"/> left them.</param>
    /// <param name="dMixed">Gradient by the result.</param>
    /// <param name="dHeads">Becomes the gradient by the heads.</param>
    public void Backward(Tensor heads, Tensor logs, Tensor dMixed, Tensor dHeads)
    {
        var (x, dy, dx, log) = (new Matrix(heads), new Matrix(dMixed), new Matrix(dHeads), (nint)HostMemory.Floats(logs));
        Each([MethodImpl(MethodImplOptions.AggressiveOptimization)] (work, example, shared) =>
        {
            work.Keys(this, x, example, shared, isForward: false);
            work.Clear(example.Length);
            for (var head = shared * PerKey; head < (shared + 1) * PerKey; head++)
            {
                for (var start = 0; start < example.Length; start += Tile)
                {
                    var (from, to) = Reach(start, example.Length);
                    var n = to - from;
                    Gather(x, example, start, head * _plan.HeadSize, work.Q, true, _plan.Scale);
                    Gather(dy, example, start, head * _plan.HeadSize, work.Out, false, 1);
                    TileProduct.Run(Tile, n, _size, work.Q, _size, 1, work.KT + from, work.Room, work.P, work.Room, false);
                    TileProduct.Run(Tile, n, _size, work.Out, _size, 1, work.VT + from, work.Room, work.S, work.Room, false);
                    for (var i = 0; i < Tile; i++)
                    {
                        var (low, high) = Sees(start + i, example.Length);
                        var sum = start + i < example.Length ? ((float*)log)[((long)(example.First + start + i) * _plan.Heads) + head] : 0;
                        Differentiate(work.P + (i * work.Room), work.S + (i * work.Room), n, low - from, high - from, sum);
                    }
                    TileProduct.Run(n, _size, Tile, work.P, 1, work.Room, work.Out, _size, work.DV + (from * _size), _size, true);
                    TileProduct.Run(n, _size, Tile, work.S, 1, work.Room, work.Q, _size, work.DK + (from * _size), _size, true);
                    TileProduct.Run(Tile, _size, n, work.S, work.Room, 1, work.K + (from * _size), _size, work.Out, _size, false);
                    for (var i = 0; i < Tile * _size; i += Lanes.Width)
                        Vector512.Store(Vector512.Load(work.Out + i) * _plan.Scale, work.Out + i);
                    Scatter(work.Out, dx, example, start, head * _plan.HeadSize, true);
                }
            }
            for (var start = 0; start < example.Length; start += Tile)
            {
                Scatter(work.DK + (start * _size), dx, example, start, (_plan.Heads + shared) * _plan.HeadSize, true);
                Scatter(work.DV + (start * _size), dx, example, start, (_plan.Heads + _plan.KeyHeads + shared) * _plan.HeadSize, false);
            }
        });
    }

    private int PerKey => _plan.Heads / _plan.KeyHeads;

    /// <summary>Every key head of every example, on all threads; each thread has a workspace of its own.</summary>
    private void Each(Action<Workspace, (int First, int Length), int> body)
    {
        HostMemory.Each(_examples.Length * _plan.KeyHeads, () => new Workspace(Up(_longest, Tile), _size),
            (i, work) => body(work, _examples[i / _plan.KeyHeads], i % _plan.KeyHeads));
    }

    /// <summary>The keys, rounded to whole vectors, that some queries see any of.</summary>
    private (int From, int To) Reach(int start, int length)
    {
        var to = _plan.Causal ? Math.Min(length, start + Tile) : length;
        var from = _plan.Causal && _plan.Window is { } window ? Math.Max(0, start - window + 1) : 0;
        return (from / Tile * Tile, Up(to, Tile));
    }

    /// <summary>The keys that one query sees; those that fill up a tile see the first key, and nobody looks at them.</summary>
    private (int Low, int High) Sees(int query, int length)
    {
        if (query >= length)
            query = length - 1;
        var low = _plan.Causal && _plan.Window is { } window ? Math.Max(0, query - window + 1) : 0;
        return (low, _plan.Causal ? query + 1 : length);
    }

    /// <summary>Scores become exponentials of what they are below the highest, and 0 outside [low, high); and their sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Top, float Sum) Exponentials(float* row, int n, int low, int high)
    {
        Mask(row, n, low, high, float.NegativeInfinity);
        var highest = Vector512.Create(float.NegativeInfinity);
        for (var j = 0; j < n; j += Lanes.Width)
            highest = Vector512.MaxNative(highest, Vector512.Load(row + j));
        var top = Lanes.Highest(highest);
        var (sums, shift) = (Vector512<float>.Zero, Vector512.Create(top));
        for (var j = 0; j < n; j += Lanes.Width)
        {
            var power = Lanes.Exp(Vector512.Load(row + j) - shift);
            Vector512.Store(power, row + j);
            sums += power;
        }
        return (top, Vector512.Sum(sums));
    }

    /// <summary>Divides a tile's rows, of which there are fewer numbers than of exponentials.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Divide(float* tile, float* sums)
    {
        for (var i = 0; i < Tile; i++)
        {
            var factor = Vector512.Create(1 / sums[i]);
            for (var j = 0; j < _size; j += Lanes.Width, tile += Lanes.Width)
                Vector512.Store(Vector512.Load(tile) * factor, tile);
        }
    }

    /// <summary>Scores become probabilities again, and gradients by probabilities gradients by scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Differentiate(float* p, float* s, int n, int low, int high, float log)
    {
        Mask(p, n, low, high, float.NegativeInfinity);
        var (inner, shift) = (Vector512<float>.Zero, Vector512.Create(log));
        for (var j = 0; j < n; j += Lanes.Width)
        {
            var probability = Lanes.Exp(Vector512.Load(p + j) - shift);
            Vector512.Store(probability, p + j);
            inner = Vector512.FusedMultiplyAdd(probability, Vector512.Load(s + j), inner);
        }
        var mean = Vector512.Create(Vector512.Sum(inner));
        for (var j = 0; j < n; j += Lanes.Width)
            Vector512.Store(Vector512.Load(p + j) * (Vector512.Load(s + j) - mean), s + j);
    }

    private static void Mask(float* row, int n, int low, int high, float value)
    {
        new Span<float>(row, low).Fill(value);
        new Span<float>(row + high, n - high).Fill(value);
    }

    /// <summary>A tile of one head, turned and scaled; rows and columns that fill up are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(Matrix from, (int First, int Length) example, int start, int column, float* to, bool turned, float scale)
    {
        var d = _plan.HeadSize;
        for (var i = 0; i < Tile; i++, to += _size)
        {
            if (start + i >= example.Length)
            {
                new Span<float>(to, _size).Clear();
                continue;
            }
            var row = (long)example.First + start + i;
            var source = from.At(row, column);
            var place = 0;
            for (; place + Lanes.Width <= d; place += Lanes.Width)
                Vector512.Store(Lanes.Load(source, from.Narrow, place) * scale, to + place);
            for (; place < d; place++)
                to[place] = Lanes.Load1(source, from.Narrow, place) * scale;
            new Span<float>(to + d, _size - d).Clear();
            if (turned)
                Turn(to, row, 1);
        }
    }

    /// <summary>A tile of one head, turned back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Scatter(float* from, Matrix to, (int First, int Length) example, int start, int column, bool turned)
    {
        var d = _plan.HeadSize;
        for (var i = 0; i < Tile && start + i < example.Length; i++, from += _size)
        {
            var row = (long)example.First + start + i;
            var target = to.At(row, column);
            if (turned)
                Turn(from, row, -1);
            var place = 0;
            for (; place + Lanes.Width <= d; place += Lanes.Width)
                Lanes.Store(Vector512.Load(from + place), target, to.Narrow, place);
            for (; place < d; place++)
                Lanes.Store1(from[place], target, to.Narrow, place);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Turn(float* head, long row, int direction)
    {
        var cosine = (float*)_cosine + (row * _half);
        var sine = (float*)_sine + (row * _half);
        var i = 0;
        for (var direct = Vector512.Create((float)direction); i + Lanes.Width <= _half; i += Lanes.Width)
        {
            var (a, b, c, s) = (Vector512.Load(head + i), Vector512.Load(head + i + _half), Vector512.Load(cosine + i),
                direct * Vector512.Load(sine + i));
            Vector512.Store((a * c) - (b * s), head + i);
            Vector512.Store((b * c) + (a * s), head + i + _half);
        }
        for (; i < _half; i++)
        {
            var (a, b, c, s) = (head[i], head[i + _half], cosine[i], direction * sine[i]);
            (head[i], head[i + _half]) = ((a * c) - (b * s), (b * c) + (a * s));
        }
    }

    private static int Up(int number, int multiple) => (number + multiple - 1) / multiple * multiple;

    /// <summary>A tensor's rows.</summary>
    private readonly struct Matrix(Tensor tensor)
    {
        private readonly nint _data = (nint)HostMemory.Of(tensor);
        private readonly long _columns = tensor.numel() / tensor.shape[0];

        public readonly bool Narrow = tensor.dtype == ScalarType.BFloat16;

        public void* At(long row, long column) => (byte*)_data + (((row * _columns) + column) * (Narrow ? sizeof(ushort) : sizeof(float)));
    }

    /// <summary>One thread's copies of a head's keys and values, as they are and turned on their side, and of a tile's scores.</summary>
    private sealed class Workspace : IDisposable
    {
        private readonly void* _memory;
        private readonly int _size;

        /// <param name="room">Keys, a multiple of the tile.</param>
        /// <param name="size">Numbers of a head, a multiple of a vector.</param>
        public Workspace(int room, int size)
        {
            (Room, _size) = (room, size);
            var numbers = (nuint)((6 * room * size) + (2 * Tile * room) + (2 * Tile * size));
            _memory = NativeMemory.AlignedAlloc(numbers * sizeof(float), 64);
            K = (float*)_memory;
            V = K + (room * size);
            KT = V + (room * size);
            VT = KT + (room * size);
            DK = VT + (room * size);
            DV = DK + (room * size);
            P = DV + (room * size);
            S = P + (Tile * room);
            Q = S + (Tile * room);
            Out = Q + (Tile * size);
        }

        public int Room { get; }

        public float* K { get; }

        public float* V { get; }

        public float* KT { get; }

        public float* VT { get; }

        public float* DK { get; }

        public float* DV { get; }

        public float* P { get; }

        public float* S { get; }

        public float* Q { get; }

        public float* Out { get; }

        /// <summary>Fetches the keys and values of a head; forward, nobody needs the values on their side.</summary>
        public void Keys(AttentionKernel kernel, Matrix x, (int First, int Length) example, int head, bool isForward)
        {
            var plan = kernel._plan;
            for (var start = 0; start < example.Length; start += Tile)
            {
                kernel.Gather(x, example, start, (plan.Heads + head) * plan.HeadSize, K + (start * _size), true, 1);
                kernel.Gather(x, example, start, (plan.Heads + plan.KeyHeads + head) * plan.HeadSize, V + (start * _size), false, 1);
                Flip(K, KT, start);
                if (!isForward)
                    Flip(V, VT, start);
            }
        }

        /// <summary>Sets the sums for keys and values to 0.</summary>
        public void Clear(int length)
        {
            new Span<float>(DK, Up(length, Tile) * _size).Clear();
            new Span<float>(DV, Up(length, Tile) * _size).Clear();
        }

        public void Dispose() => NativeMemory.AlignedFree(_memory);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Flip(float* from, float* to, int start)
        {
            // Four rows at a time, so that a line of the target is in the cache for as long as it is written to.
            for (var row = start; row < start + Tile; row += 4)
            {
                var source = from + (row * _size);
                for (var column = 0; column < _size; column++)
                {
                    var four = Vector128.Create(source[column], source[column + _size], source[column + (2 * _size)],
                        source[column + (3 * _size)]);
                    Vector128.Store(four, to + (column * Room) + row);
                }
            }
        }
    }
}
