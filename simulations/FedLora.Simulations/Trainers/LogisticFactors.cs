using System.Buffers;
using System.Numerics.Tensors;
using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Simulations.Trainers;

/// <summary>The factors of one linear classifier while a node trains it: logits z = (W + s B A) x, with W the folds.</summary>
internal sealed class LogisticFactors : IDisposable
{
    private static readonly string NameA = new AdapterKey(LogisticWork.Module, Factors.A).Name;
    private static readonly string NameB = new AdapterKey(LogisticWork.Module, Factors.B).Name;
    private static readonly string NameR = new AdapterKey(LogisticWork.Module, Factors.R).Name;
    private readonly LogisticPool _pool;
    private readonly int _rank;
    private readonly float _scale;
    private readonly float[] _a;
    private readonly float[] _b;
    private readonly float[] _r;
    private readonly float[] _rented;
    private float[]? _base;

    public LogisticFactors(NodeStart start, LogisticPool pool)
    {
        (_pool, _rank, _scale) = (pool, start.Layout.Rank, (float)start.Layout.Scale);
        (_a, _b) = ([.. start.Adapter[NameA].Values], [.. start.Adapter[NameB].Values]);
        _r = start.Adapter.TryGet(NameR, out var r) ? [.. r.Values] : [];
        _rented = ArrayPool<float>.Shared.Rent(_a.Length + _b.Length + _r.Length + (4 * _rank) + (2 * pool.Classes));
    }

    /// <summary>Adds a product of an earlier round to the base.</summary>
    public void Fold(AdapterState fold)
    {
        _base ??= new float[_pool.Classes * _pool.Width];
        var (a, b) = (fold[NameA], fold[NameB]);
        for (var c = 0; c < _pool.Classes; c++)
        {
            var row = _base.AsSpan(c * _pool.Width, _pool.Width);
            for (var k = 0; k < a.Rows; k++)
                TensorPrimitives.MultiplyAdd(a.Values.AsSpan(k * _pool.Width, _pool.Width), b.Values[(c * a.Rows) + k], row, row);
        }
    }

    /// <summary>One step of SGD on the mean cross-entropy of a batch; returns that.</summary>
    public double Step(IReadOnlyList<int> examples, int[] batch, float rate, Factors trained)
    {
        var (classes, width) = (_pool.Classes, _pool.Width);
        var space = _rented.AsSpan();
        var gradA = Next(ref space, _a.Length);
        var gradB = Next(ref space, _b.Length);
        var gradR = Next(ref space, _r.Length);
        var h = Next(ref space, _rank);
        var g = Next(ref space, _rank);
        var back = Next(ref space, _rank);
        var z = Next(ref space, classes);
        gradA.Clear();
        gradB.Clear();
        gradR.Clear();
        var loss = 0.0;
        foreach (var place in batch)
        {
            var x = _pool.Features(examples[place]);
            loss += Forward(examples[place], h, g, z);
            // z is now dL/dz.
            back.Clear();
            for (var c = 0; c < classes; c++)
            {
                AddScaled(g, z[c] * _scale, gradB.Slice(c * _rank, _rank));
                AddScaled(_b.AsSpan(c * _rank, _rank), z[c] * _scale, back);
            }

            Back(back, h, gradR);
            for (var k = 0; k < _rank; k++)
                TensorPrimitives.MultiplyAdd(x, back[k], gradA.Slice(k * width, width), gradA.Slice(k * width, width));
        }

        var step = -rate / batch.Length;
        foreach (var (factor, values, gradient) in (ReadOnlySpan<(Factors, float[], int)>)[(Factors.A, _a, 0), (Factors.B, _b, _a.Length),
            (Factors.R, _r, _a.Length + _b.Length)])
        {
            if (trained.HasFlag(factor))
                TensorPrimitives.MultiplyAdd(_rented.AsSpan(gradient, values.Length), step, values, values);
        }

        return loss / batch.Length;
    }

    /// <summary>Cross-entropy of an example, and the class that is put first.</summary>
    public (double Loss, int Guess) Judge(int example)
    {
        var space = _rented.AsSpan();
        var h = Next(ref space, _rank);
        var g = Next(ref space, _rank);
        var z = Next(ref space, _pool.Classes);
        var loss = Forward(example, h, g, z);
        z[_pool.ClassOf(example)] += 1;
        return (loss, TensorPrimitives.IndexOfMax(z));
    }

    /// <summary>The start with what was trained in its place.</summary>
    public AdapterState Export(AdapterState start)
    {
        var tensors = new List<AdapterTensor> { start[NameA] with { Values = [.. _a] }, start[NameB] with { Values = [.. _b] } };
        if (_r.Length > 0)
            tensors.Add(start[NameR] with { Values = [.. _r] });
        return start.With(tensors);
    }

    public void Dispose() => ArrayPool<float>.Shared.Return(_rented);

    // h = A x, g = R h (or h); leaves dL/dz = p - y in z.
    private double Forward(int example, Span<float> h, Span<float> g, Span<float> z)
    {
        var x = _pool.Features(example);
        var width = _pool.Width;
        for (var k = 0; k < _rank; k++)
            h[k] = TensorPrimitives.Dot(x, _a.AsSpan(k * width, width));
        h.CopyTo(g);
        for (var k = 0; k < (_r.Length > 0 ? _rank : 0); k++)
            g[k] = Dot(h, _r.AsSpan(k * _rank, _rank));
        for (var c = 0; c < z.Length; c++)
            z[c] = (_scale * Dot(g, _b.AsSpan(c * _rank, _rank)))
                + (_base is null ? 0 : TensorPrimitives.Dot(x, _base.AsSpan(c * width, width)));
        TensorPrimitives.SoftMax(z, z);
        var label = _pool.ClassOf(example);
        var loss = -Math.Log(Math.Max(z[label], float.Epsilon));
        z[label] -= 1;
        return loss;
    }

    // Through R: dL/dR = back h^T, and what goes on to A.
    private void Back(Span<float> back, ReadOnlySpan<float> h, Span<float> gradR)
    {
        if (_r.Length == 0)
            return;
        Span<float> through = stackalloc float[_rank];
        through.Clear();
        for (var k = 0; k < _rank; k++)
        {
            AddScaled(h, back[k], gradR.Slice(k * _rank, _rank));
            AddScaled(_r.AsSpan(k * _rank, _rank), back[k], through);
        }

        through.CopyTo(back);
    }

    // A rank is a few numbers: a call into a library would take longer than they do.
    private static float Dot(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        var sum = 0f;
        for (var i = 0; i < one.Length; i++)
            sum += one[i] * other[i];
        return sum;
    }

    private static void AddScaled(ReadOnlySpan<float> values, float factor, Span<float> sum)
    {
        for (var i = 0; i < values.Length; i++)
            sum[i] += values[i] * factor;
    }

    private static Span<float> Next(ref Span<float> space, int length)
    {
        var piece = space[..length];
        space = space[length..];
        return piece;
    }
}
