using System.Numerics.Tensors;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// A round's updates, checked, and read as methods need them: all tensors of one node after another, or one module of all nodes.
/// </summary>
internal sealed partial class Round
{
    /// <summary>How many bytes of several modules' sums are held at once. A thousand nodes' updates of one module take as much.</summary>
    private const long MostHeld = 64L << 20;

    /// <summary>How many updates are open at once where sums are made.</summary>
    private const int MostOpen = 8;

    private readonly AdapterState _global;
    private readonly UpdateSet _updates;
    private readonly AggregationOptions _options;
    private readonly Factors _sent;
    private readonly AdapterLayout[] _layouts;
    private readonly CancellationToken _cancel;

    public Round(IFederatedMethod method, AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        (_global, _updates, _options, _cancel) = (global, updates, options, cancellationToken);
        _sent = method.Sent(options.Round, options.Method);
        Weights = updates.Weights(options.Method.Weighting);
        _layouts = new AdapterLayout[updates.Count];
        IReadOnlyDictionary<string, int[]>? shapes = null;
        for (var k = 0; k < updates.Count; k++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var reader = updates[k].Open();
            if (ReferenceEquals(shapes, reader.Shapes))
            {
                _layouts[k] = _layouts[k - 1];
                continue;
            }
            shapes = reader.Shapes;
            _layouts[k] = method.Traits.MixesRanks ? LayoutOf(method, reader, updates[k].Node) : options.Layout;
            _layouts[k].Require(reader.Shapes, _sent, Where(k));
        }
    }

    /// <summary>p_k in node order.</summary>
    public double[] Weights { get; }

    public int Count => _updates.Count;

    public AdapterLayout Layout => _options.Layout;

    /// <summary>sum_k p_k T_k for every tensor T of the given factors that was sent, rounded once, in order of names.</summary>
    public IReadOnlyList<AdapterTensor> Mean(Factors factors)
    {
        var means = Room(factors & _sent);
        Accumulate([.. means.Select(t => new[] { (t.Name, t.Shape) })],
            (i, sums) => Vectors.Narrow(sums[0].AsSpan(0, means[i].Values.Length), means[i].Values));
        return means;
    }

    /// <summary>Maps the means of every module's factors that were sent, in float64; the results are in the order of modules.</summary>
    /// <param name="map">Called once for each module.</param>
    /// <param name="probes">What sees every node's product in the same pass, before the module is mapped.</param>
    /// <param name="made">Other factors that are made of them.</param>
    public T[] PerMean<T>(Func<AdapterModule, Means, T> map, ErrorProbes? probes = null, Factors made = Factors.None)
    {
        var results = new T[Layout.Modules.Length];
        var room = Room((_sent & ~Factors.Head) | made).ToDictionary(t => t.Name, StringComparer.Ordinal);
        var units = Layout.Modules.Select(module => (Layout with { Modules = [module] }).Tensors(_sent & ~Factors.Head).ToArray())
            .ToArray();
        Accumulate(units, (i, sums) => results[i] = map(Layout.Modules[i],
            new Means(_global, Layout, Layout.Modules[i], i, units[i], sums, room)), probes);
        return results;
    }

    // What the round makes of some factors, not yet written.
    private AdapterTensor[] Room(Factors factors)
    {
        var tensors = Layout.Tensors(factors).ToArray();
        var values = HugePages.Arrays([.. tensors.Select(t => AdapterTensor.Count(t.Shape))]);
        return [.. tensors.Zip(values, (tensor, place) => new AdapterTensor(tensor.Name, tensor.Shape, place))];
    }

    /// <summary>
    /// Calls for every node and module, one update open at a time; for different modules on several threads. A product lasts for its call.
    /// </summary>
    public void ForEachProduct(Action<AdapterModule, NodeProduct> visit) =>
        ForEachProduct(0..Count, 0..Layout.Modules.Length, (module, product) => visit(Layout.Modules[module], product));

    /// <summary>
    /// Calls for every node and module, of a method without R: a module's nodes in their order, different modules on several threads. A
    /// factor that was not sent is the global adapter's. The values last for the call.
    /// </summary>
    /// <param name="visit">Sees each.</param>
    /// <param name="done">Called with the place of a module whose nodes have all been seen, after the last of them.</param>
    public void ForEachFactors(FactorsVisit visit, Action<int> done) => PerFew(0..Count, Layout.Modules.Length, (place, readers, from) =>
    {
        var module = Layout.Modules[place];
        for (var i = 0; i < readers.Count; i++)
        {
            var (node, layout) = (from + i, _layouts[from + i]);
            var rank = layout.RankOf(module);
            using var b = new Borrowed(this, readers[i], node, module, Factors.B, module.DOut * rank);
            using var a = new Borrowed(this, readers[i], node, module, Factors.A, module.DIn * rank);
            visit(place, Weights[node] * layout.ScaleOf(module), b.Values, a.Values);
        }
        if (from + readers.Count == Count)
            done(place);
    });

    /// <summary>The same for some nodes and some modules; modules by their place in the layout.</summary>
    public void ForEachProduct(Range nodes, Range modules, Action<int, NodeProduct> visit)
    {
        var ((first, nodeCount), (start, moduleCount)) = (nodes.GetOffsetAndLength(Count),
            modules.GetOffsetAndLength(Layout.Modules.Length));
        for (var k = first; k < first + nodeCount; k++)
        {
            _cancel.ThrowIfCancellationRequested();
            using var reader = _updates[k].Open();
            ForEach(moduleCount, i =>
            {
                using var product = Product(reader, k, Layout.Modules[start + i]);
                visit(start + i, product);
            });
        }
    }

    /// <summary>
    /// Maps the sum over nodes of every module's products, on several threads; the results are in the order of modules. With few nodes one
    /// module after another is summed up and done with, while it lies in the nearer caches; with many, so many modules are summed up in one
    /// pass over the updates as fit <see cref="MostHeld"/>, at least one.
    /// </summary>
    /// <param name="nodes">Those that are summed over.</param>
    /// <param name="change">What a node adds instead of its product, made for the call; null: the product.</param>
    public T[] PerSum<T>(Range nodes, Func<int, NodeProduct, NodeProduct>? change, Func<AdapterModule, ProductSum, T> map)
    {
        var results = new T[Layout.Modules.Length];
        var (first, count) = nodes.GetOffsetAndLength(Count);
        for (var (start, end) = (0, 0); start < results.Length; start = end)
        {
            var held = 0L;
            do
                held += count <= MostOpen ? 0
                    : ProductSum.Bytes(Layout.Modules[end].DOut, Layout.Modules[end].DIn, Ranks(nodes, Layout.Modules[end]));
            while (++end < results.Length && held < MostHeld);
            var (place, sums) = (start, new ProductSum[end - start]);
            var threads = sums.Length < _options.Threads ? _options.Threads : 1;
            PerFew(first..(first + count), sums.Length, (i, readers, from) =>
            {
                var module = Layout.Modules[place + i];
                var sum = sums[i] ??= new ProductSum(module.DOut, module.DIn, Ranks(nodes, module), threads);
                for (var node = 0; node < readers.Count; node++)
                    Add(sum, readers[node], from + node, place + i, change);
                if (from + readers.Count < first + count)
                    return;
                results[place + i] = map(module, sum);
                sum.Dispose();
            });
        }
        return results;
    }

    private void Add(ProductSum sum, IUpdateReader reader, int node, int module, Func<int, NodeProduct, NodeProduct>? change)
    {
        using var product = Product(reader, node, Layout.Modules[module]);
        if (change is null)
        {
            sum.Add(product);
            return;
        }
        using var changed = change(module, product);
        sum.Add(changed);
    }

    // Opens a few updates at a time, in order, and calls for every item with those that are open and the number of the first.
    private void PerFew(Range nodes, int items, Action<int, List<IUpdateReader>, int> visit)
    {
        var (first, count) = nodes.GetOffsetAndLength(Count);
        for (var k = first; k < first + count; k += MostOpen)
        {
            _cancel.ThrowIfCancellationRequested();
            var (from, readers) = (k, new List<IUpdateReader>(MostOpen));
            try
            {
                for (var node = from; node < Math.Min(first + count, from + MostOpen); node++)
                    readers.Add(_updates[node].Open());
                ForEach(items, i => visit(i, readers, from));
            }
            finally
            {
                readers.ForEach(reader => reader.Dispose());
            }
        }
    }

    /// <inheritdoc cref="PerSum{T}(Range, Func{int, NodeProduct, NodeProduct}?, Func{AdapterModule, ProductSum, T})"/>
    public T[] PerSum<T>(Func<AdapterModule, ProductSum, T> map) => PerSum(0..Count, null, map);

    /// <summary>The round's result, once it is known to be finite.</summary>
    /// <exception cref="FedLoraException"><c>aggregate-not-finite</c>, naming the module and the node whose factors there are
    /// largest.</exception>
    public AggregationResult Result(AdapterState global, AdapterState? fold, AggregationReport report)
    {
        AdapterTensor[] tensors = [.. global, .. fold ?? AdapterState.Empty];
        var finite = new bool[tensors.Length];
        ForEach(tensors.Length, i => finite[i] = Vectors.IsFinite(tensors[i].Values));
        if (Array.IndexOf(finite, false) is >= 0 and var first)
        {
            var module = AdapterKey.Parse(tensors[first].Name).Module;
            throw new FedLoraException("aggregate-not-finite",
                $"The aggregate of module '{module}' does not fit into float32; the largest factors there are node "
                    + $"'{LargestIn(module)}''s.",
                "That node's training diverged: leave its update out, or lower the learning rate or the clip norm.");
        }
        return new(global, fold, report);
    }

    // By the product of the largest entries of the tensors it sent: what its share of the module's product can reach.
    private string LargestIn(string module)
    {
        var (largest, name) = (-1.0, "");
        for (var k = 0; k < Count; k++)
        {
            using var reader = _updates[k].Open();
            var size = 1.0;
            foreach (var (tensor, shape) in reader.Shapes.Where(t => AdapterKey.Parse(t.Key).Module == module))
                Read(reader, k, tensor, AdapterTensor.Count(shape),
                    values => size *= Math.Abs((double)TensorPrimitives.MaxMagnitude(values)));
            if (size > largest)
                (largest, name) = (size, _updates[k].Node);
        }
        return name;
    }

    /// <summary>The ranks of a module at all nodes, added up.</summary>
    public int Ranks(AdapterModule module) => Ranks(0..Count, module);

    private int Ranks(Range nodes, AdapterModule module) => _layouts[nodes].Sum(layout => layout.RankOf(module));

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
            Parallel.For(0, count,
                new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, _options.Threads), CancellationToken = _cancel }, action);
        }
        catch (AggregateException error) when (error.InnerExceptions.OfType<FedLoraException>()
            .OrderBy(e => e.Message, StringComparer.Ordinal).FirstOrDefault() is { } first)
        {
            throw new FedLoraException(first.Code, first.Message, first.Hint, error);
        }
    }
}
