using System.Buffers;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>A module's product at one node, for the sum over nodes: Factor * B A.</summary>
/// <param name="B">d_out x r_k; for Fed-SB B R_k.</param>
/// <param name="At">A^T, d_in x r_k.</param>
/// <param name="Factor">p_k s_k.</param>
internal readonly record struct NodeProduct(Matrix B, Matrix At, double Factor) : IDisposable
{
    /// <summary>Gives the matrices back, by whoever had them made.</summary>
    public void Dispose()
    {
        B.Dispose();
        At.Dispose();
    }
}

/// <summary>A round's updates, checked, and read as methods need them: all tensors of one node after another, or one module of all nodes.</summary>
internal sealed class Round
{
    private readonly AdapterState _global;
    private readonly UpdateSet _updates;
    private readonly AggregationOptions _options;
    private readonly Factors _sent;
    private readonly AdapterLayout[] _layouts;
    private readonly CancellationToken _cancel;

    public Round(IFederatedMethod method, AdapterState global, UpdateSet updates, AggregationOptions options, CancellationToken cancel)
    {
        (_global, _updates, _options, _cancel) = (global, updates, options, cancel);
        _sent = method.Sent(options.Round, options.Method);
        Weights = updates.Weights(options.Method.Weighting);
        _layouts = new AdapterLayout[updates.Count];
        for (var k = 0; k < updates.Count; k++)
        {
            cancel.ThrowIfCancellationRequested();
            using var reader = updates[k].Open();
            _layouts[k] = method.Traits.MixesRanks ? LayoutOf(method, reader, updates[k].Node) : options.Layout;
            _layouts[k].Require(reader.Shapes, _sent, Where(k));
        }
    }

    /// <summary>p_k in node order.</summary>
    public double[] Weights { get; }

    public int Count => _updates.Count;

    public AdapterLayout Layout => _options.Layout;

    /// <summary>
    /// sum_k p_k T_k for every tensor T of the given factors that was sent, in float64 and in node order, one update open at a time: the
    /// bytes depend on neither arrival order nor machine.
    /// </summary>
    public Means Mean(Factors factors)
    {
        var sums = Layout.Tensors(factors & _sent).Select(t => KeyValuePair.Create(t.Name, new double[AdapterTensor.Count(t.Shape)])).ToArray();
        for (var k = 0; k < Count && sums.Length > 0; k++)
        {
            _cancel.ThrowIfCancellationRequested();
            using var reader = _updates[k].Open();
            ForEach(sums.Length, i => Read(reader, k, sums[i].Key, sums[i].Value.Length, values => Vectors.AddScaled(Weights[k], values, sums[i].Value)));
        }
        return new Means(_global, Layout, sums.ToDictionary(StringComparer.Ordinal));
    }

    /// <summary>One module of every node, in node order; a factor that was not sent is the global adapter's.</summary>
    public IReadOnlyList<NodeProduct> Products(AdapterModule module) => [.. Enumerable.Range(0, Count).Select(k =>
    {
        _cancel.ThrowIfCancellationRequested();
        using var reader = _updates[k].Open();
        return Product(reader, k, module);
    })];

    /// <summary>The same as one product of factor 1: [f_1 B_1, f_2 B_2, ...] and [A_1; A_2; ...]^T.</summary>
    public NodeProduct Stack(AdapterModule module)
    {
        var nodes = Products(module);
        var (b, at) = AggregationError.Stack(nodes);
        foreach (var node in nodes)
            node.Dispose();
        return new NodeProduct(b, at, 1);
    }

    /// <summary>Calls for every node and module, one update open at a time; for different modules on several threads. A product lasts for its call.</summary>
    public void ForEachProduct(Action<AdapterModule, NodeProduct> visit)
    {
        for (var k = 0; k < Count; k++)
        {
            _cancel.ThrowIfCancellationRequested();
            using var reader = _updates[k].Open();
            ForEach(Layout.Modules.Length, i =>
            {
                using var product = Product(reader, k, Layout.Modules[i]);
                visit(Layout.Modules[i], product);
            });
        }
    }

    /// <summary>Maps every module, on several threads; the results are in the order of modules whatever the threads did.</summary>
    public T[] PerModule<T>(Func<AdapterModule, T> map)
    {
        var results = new T[Layout.Modules.Length];
        ForEach(results.Length, i => results[i] = map(Layout.Modules[i]));
        return results;
    }

    private void ForEach(int count, Action<int> action)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, _options.Threads), CancellationToken = _cancel }, action);
        }
        catch (AggregateException error) when (error.InnerExceptions.OfType<FedLoraException>().OrderBy(e => e.Message, StringComparer.Ordinal).FirstOrDefault() is { } first)
        {
            throw new FedLoraException(first.Code, first.Message, first.Hint, error);
        }
    }

    private NodeProduct Product(IUpdateReader reader, int node, AdapterModule module)
    {
        var (rank, layout) = (_layouts[node].RankOf(module), _layouts[node]);
        var b = Factor(reader, node, module, Factors.B, module.DOut * rank, values => Matrix.FromRows(values, module.DOut, rank));
        var at = Factor(reader, node, module, Factors.A, module.DIn * rank, values => Matrix.FromColumns(values, module.DIn, rank));
        if (_sent.HasFlag(Factors.R))
            b = b.Times(Factor(reader, node, module, Factors.R, rank * rank, values => Matrix.FromRows(values, rank, rank)));
        return new NodeProduct(b, at, Weights[node] * layout.ScaleOf(module));
    }

    private Matrix Factor(IUpdateReader reader, int node, AdapterModule module, Factors factor, int count, Func<ReadOnlySpan<float>, Matrix> make)
    {
        var name = new AdapterKey(module.Name, factor).Name;
        Matrix? made = null;
        if (_sent.HasFlag(factor))
            Read(reader, node, name, count, values => made = make(values));
        return made ?? make(_global[name].Values);
    }

    // The values are the callee's only for the call.
    private void Read(IUpdateReader reader, int node, string name, int count, Action<ReadOnlySpan<float>> use)
    {
        var buffer = ArrayPool<float>.Shared.Rent(count);
        try
        {
            var values = buffer.AsSpan(0, count);
            reader.Read(name, values);
            if (!Vectors.IsFinite(values))
                throw new FedLoraException("tensor-not-finite", $"{Where(node)} holds NaN or infinity in tensor '{name}'.", "The node's training diverged: lower the learning rate, or leave this update out.");
            use(values);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private AdapterLayout LayoutOf(IFederatedMethod method, IUpdateReader reader, string node)
    {
        var name = new AdapterKey(Layout.Modules[0].Name, Factors.A).Name;
        if (!reader.Shapes.TryGetValue(name, out var shape) || shape.Length != 2)
            return Layout;
        return shape[0] >= 1 && shape[0] <= Layout.Rank
            ? method.Traits.SharesScale ? Layout.WithRankKeepingScale(shape[0]) : Layout with { Rank = shape[0] }
            : throw new FedLoraException("tensor-shape", $"The update of node '{node}': tensor '{name}' is of rank {shape[0]}.", $"A node's rank lies between 1 and the federation's {Layout.Rank}.");
    }

    private string Where(int node) => $"The update of node '{_updates[node].Node}'";
}
