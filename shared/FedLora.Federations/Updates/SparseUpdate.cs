using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Compression;

namespace FedLora.Federations.Updates;

/// <summary>
/// A node's update of which only some entries travelled: the node's tensors are taken to be the server's own start for a node of its rank,
/// dense, plus the change that was sent. What did not travel, down or up, so keeps the server's value.
/// </summary>
/// <param name="node">The node's id.</param>
/// <param name="examples">What it counts for.</param>
/// <param name="read">The sparse blob's bytes, read anew for each pass.</param>
/// <param name="start">The server's start for the node's rank.</param>
/// <param name="layout">Of the tensors sent.</param>
public sealed class SparseUpdate(string node, long examples, Func<byte[]> read, AdapterState start, VectorLayout layout) : IUpdate
{
    public string Node { get; } = node;

    public long Examples { get; } = examples;

    public IUpdateReader Open() => new Reader(start, layout, SparseCodec.Decode(read(), layout.Length, layout.Digest.Span));

    private sealed class Reader(AdapterState start, VectorLayout layout, SparseVector change) : IUpdateReader
    {
        public IReadOnlyDictionary<string, int[]> Shapes { get; } = layout.Shapes;

        public void Read(string name, Span<float> values)
        {
            start[name].Values.CopyTo(values);
            var range = layout.RangeOf(name);
            var index = Array.BinarySearch(change.Indices, range.Start.Value);
            for (var i = index < 0 ? ~index : index; i < change.Count && change.Indices[i] < range.End.Value; i++)
                values[change.Indices[i] - range.Start.Value] += change.Values[i];
        }

        public void Dispose()
        {
        }
    }
}
