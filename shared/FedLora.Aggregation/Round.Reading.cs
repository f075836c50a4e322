using System.Buffers;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <content>One node's tensors, as they were sent or from the global adapter.</content>
internal sealed partial class Round
{
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
