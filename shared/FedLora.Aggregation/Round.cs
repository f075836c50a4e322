using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>A module's product at one node, for the sum over nodes: Factor * B A.</summary>
/// <param name="B">d_out x r_k; for Fed-SB B R_k.</param>
/// <param name="At">A^T, d_in x r_k.</param>
/// <param name="Factor">p_k s_k.</param>
internal readonly record struct NodeProduct(Matrix B, Matrix At, double Factor) : IDisposable
{
    /// <summary>||Factor B A||_F^2.</summary>
    public double SquaredNorm() => Factor * Factor * LowRank.SquaredNorm(B, At);

    /// <summary>Gives the matrices back, by whoever had them made.</summary>
    public void Dispose()
    {
        B.Dispose();
        At.Dispose();
    }
}

/// <summary>
/// A round's updates, checked, and read as methods need them: all tensors of one node after another, or one module of all nodes.
/// </summary>
internal sealed class Round
{
    /// <summary>How many bytes of several modules' sums are held at once. A thousand nodes' updates of one module take as much.</summary>
    private const long MostHeld = 64L << 20;

    /// <summary>How many updates are open at once where sums are made.</summary>
    private const int MostOpen = 8;

    /// <summary>Entries of a sum that are worked on at a time, 16 KiB.</summary>
    private const int Piece = 2048;

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

    // Sums of tensors over nodes, in float64 and in node order: the bytes depend on neither arrival order nor machine. Some tensors make a
    // unit, which is handed on whole and lasts for that call; with probes it is a module. Few updates are open at a time; with no more
    // nodes than that, a sum stays in the nearer caches from its first node to its last.
    private void Accumulate((string Name, int[] Shape)[][] units, Action<int, double[][]> done, ErrorProbes? probes = null)
    {
        for (var (start, end) = (0, 0); start < units.Length; start = end)
        {
            var held = 0L;
            do
                held += Count <= MostOpen ? 0
                    : (8L * units[end].Sum(t => (long)AdapterTensor.Count(t.Shape))) + (probes?.Bytes(Layout.Modules[end]) ?? 0);
            while (++end < units.Length && held < MostHeld);
            var (first, sums) = (start, new double[end - start][][]);
            PerFew(0..Count, sums.Length, (i, readers, from) =>
            {
                var unit = units[first + i];
                sums[i] ??= [.. unit.Select(t => ArrayPool<double>.Shared.Rent(AdapterTensor.Count(t.Shape)))];
                if (probes is null)
                {
                    for (var t = 0; t < unit.Length; t++)
                        Add(sums[i][t], unit[t], readers, from);
                }
                else
                    Add(sums[i], unit, readers, from, probes, first + i);
                if (from + readers.Count < Count)
                    return;
                done(first + i, sums[i]);
                foreach (var sum in sums[i])
                    ArrayPool<double>.Shared.Return(sum);
            });
        }
    }

    // What does not lie in memory comes there from one update at a time: a head's tensor may be as large as a model's.
    private void Add(double[] sum, (string Name, int[] Shape) tensor, List<IUpdateReader> readers, int from)
    {
        var few = readers.TrueForAll(reader => reader.InPlace(tensor.Name) is not null) ? readers.Count : 1;
        for (var i = 0; i < readers.Count; i += few)
        {
            using var values = new OpenTensors(readers.GetRange(i, few), [tensor]);
            Add(sum.AsSpan(0, AdapterTensor.Count(tensor.Shape)), values[0], tensor.Name, from + i);
        }
    }

    // A module's thin factors are needed twice, and so are read at once.
    private void Add(double[][] sums, (string Name, int[] Shape)[] tensors, List<IUpdateReader> readers, int from, ErrorProbes probes,
        int place)
    {
        using var values = new OpenTensors(readers, tensors);
        for (var t = 0; t < tensors.Length; t++)
            Add(sums[t].AsSpan(0, AdapterTensor.Count(tensors[t].Shape)), values[t], tensors[t].Name, from);
        var module = Layout.Modules[place];
        var (a, b) = (Place(Factors.A), Place(Factors.B));
        for (var i = 0; i < readers.Count; i++)
            probes.Add(place, Weights[from + i] * Layout.ScaleOf(module), Values(b, Factors.B, i), Values(a, Factors.A, i));

        int Place(Factors factor) => Array.FindIndex(tensors, t => t.Name == Products.Key(module, factor));

        ReadOnlySpan<float> Values(int tensor, Factors factor, int reader) =>
            tensor < 0 ? _global[Products.Key(module, factor)].Values : values[tensor][reader].Span;
    }

    // A piece of the sum stays in the nearest cache from the first update, before which it is made zero, to the last: each entry sees the
    // same steps in the same order.
    // Weights are above 0 and at most 1, so that a sum is finite if all its updates are.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Add(Span<double> sum, ReadOnlyMemory<float>[] updates, string name, int from)
    {
        for (var start = 0; start < sum.Length; start += Piece)
        {
            var piece = sum.Slice(start, Math.Min(Piece, sum.Length - start));
            if (from == 0)
                piece.Clear();
            Vectors.AddScaled(Weights.AsSpan(from), updates, start, piece);
            if (Vectors.IsFinite(piece))
                continue;
            for (var i = 0; i < updates.Length; i++)
                RequireFinite(updates[i].Span, from + i, name);
        }
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

    private NodeProduct Product(IUpdateReader reader, int node, AdapterModule module)
    {
        var (rank, layout) = (_layouts[node].RankOf(module), _layouts[node]);
        var b = Factor(reader, node, module, Factors.B, module.DOut * rank, values => Matrix.FromRows(values, module.DOut, rank));
        var at = Factor(reader, node, module, Factors.A, module.DIn * rank, values => Matrix.FromColumns(values, module.DIn, rank));
        if (_sent.HasFlag(Factors.R))
            b = b.Times(Factor(reader, node, module, Factors.R, rank * rank, values => Matrix.FromRows(values, rank, rank)));
        return new NodeProduct(b, at, Weights[node] * layout.ScaleOf(module));
    }

    private Matrix Factor(IUpdateReader reader, int node, AdapterModule module, Factors factor, int count,
        Func<ReadOnlySpan<float>, Matrix> make)
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
        if (reader.InPlace(name) is { } inPlace)
        {
            RequireFinite(inPlace.Span, node, name);
            use(inPlace.Span);
            return;
        }

        var buffer = ArrayPool<float>.Shared.Rent(count);
        try
        {
            Fill(reader, node, name, buffer.AsSpan(0, count));
            use(buffer.AsSpan(0, count));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private void Fill(IUpdateReader reader, int node, string name, Span<float> values)
    {
        reader.Read(name, values);
        RequireFinite(values, node, name);
    }

    private void RequireFinite(ReadOnlySpan<float> values, int node, string name)
    {
        if (!Vectors.IsFinite(values))
            throw new FedLoraException("tensor-not-finite", $"{Where(node)} holds NaN or infinity in tensor '{name}'.",
                "The node's training diverged: lower the learning rate, or leave this update out.");
    }

    private AdapterLayout LayoutOf(IFederatedMethod method, IUpdateReader reader, string node)
    {
        var name = new AdapterKey(Layout.Modules[0].Name, Factors.A).Name;
        if (!reader.Shapes.TryGetValue(name, out var shape) || shape.Length != 2)
            return Layout;
        return shape[0] >= 1 && shape[0] <= Layout.Rank
            ? method.Traits.SharesScale ? Layout.WithRankKeepingScale(shape[0]) : Layout with { Rank = shape[0] }
            : throw new FedLoraException("tensor-shape", $"The update of node '{node}': tensor '{name}' is of rank {shape[0]}.",
                $"A node's rank lies between 1 and the federation's {Layout.Rank}.");
    }

    private string Where(int node) => $"The update of node '{_updates[node].Node}'";

    /// <summary>A factor's values as they were sent, row by row; else the global adapter's.</summary>
    private readonly ref struct Borrowed
    {
        private readonly float[]? _buffer;

        public Borrowed(Round round, IUpdateReader reader, int node, AdapterModule module, Factors factor, int count)
        {
            var name = Products.Key(module, factor);
            if (!round._sent.HasFlag(factor))
            {
                Values = round._global[name].Values;
                return;
            }
            if (reader.InPlace(name) is { } inPlace)
            {
                round.RequireFinite(inPlace.Span, node, name);
                Values = inPlace.Span;
                return;
            }
            _buffer = ArrayPool<float>.Shared.Rent(count);
            var values = _buffer.AsSpan(0, count);
            round.Fill(reader, node, name, values);
            Values = values;
        }

        public ReadOnlySpan<float> Values { get; }

        public void Dispose()
        {
            if (_buffer is not null)
                ArrayPool<float>.Shared.Return(_buffer);
        }
    }
}

/// <summary>Sees a module's factors at one node.</summary>
/// <param name="module">Its place in the layout.</param>
/// <param name="factor">p_k s_k.</param>
/// <param name="b">B, d_out x r_k, row by row.</param>
/// <param name="a">A, r_k x d_in, row by row.</param>
internal delegate void FactorsVisit(int module, double factor, ReadOnlySpan<float> b, ReadOnlySpan<float> a);
