using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>An update that lies in memory.</summary>
/// <param name="node">The node's id.</param>
/// <param name="examples">What it counts for.</param>
/// <param name="state">What it sent.</param>
/// <param name="like">Another one of the round: of thousands of the same shapes these are noted, and then looked at, once.</param>
public sealed class MemoryUpdate(string node, long examples, AdapterState state, MemoryUpdate? like = null) : IUpdate
{
    private readonly Dictionary<string, int[]> _shapes = like is not null && like.IsLike(state) ? like._shapes
        : state.ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal);

    public string Node { get; } = node;

    public long Examples { get; } = examples;

    public IUpdateReader Open() => new Reader(state, _shapes);

    private bool IsLike(AdapterState other)
    {
        if (other.Count != _shapes.Count)
            return false;
        foreach (var tensor in other)
        {
            if (!_shapes.TryGetValue(tensor.Name, out var shape) || !shape.AsSpan().SequenceEqual(tensor.Shape))
                return false;
        }

        return true;
    }

    private sealed class Reader(AdapterState state, IReadOnlyDictionary<string, int[]> shapes) : IUpdateReader
    {
        public IReadOnlyDictionary<string, int[]> Shapes => shapes;

        public void Read(string name, Span<float> values) => state[name].Values.CopyTo(values);

        public ReadOnlyMemory<float>? InPlace(string name) => state[name].Values;

        public void Dispose()
        {
        }
    }
}

/// <summary>
/// An update that lies in a store as a safetensors file, which stays as it is: its header is read once, however often it is opened.
/// </summary>
/// <param name="node">The node's id.</param>
/// <param name="examples">What it counts for.</param>
/// <param name="open">Opens the whole file, seekable.</param>
public sealed class StreamUpdate(string node, long examples, Func<Stream> open) : IUpdate
{
    private SafetensorsHeader? _header;

    public string Node { get; } = node;

    public long Examples { get; } = examples;

    public IUpdateReader Open()
    {
        var reader = SafetensorsReader.Open(open(), $"the update of node '{Node}'", _header);
        _header = reader.Header;
        return new Reader(reader);
    }

    private sealed class Reader(SafetensorsReader file) : IUpdateReader
    {
        public IReadOnlyDictionary<string, int[]> Shapes => file.Header.Shapes;

        public void Read(string name, Span<float> values) => file.Read(name, values);

        public void Dispose() => file.Dispose();
    }
}
