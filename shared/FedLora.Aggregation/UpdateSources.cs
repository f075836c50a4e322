using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>An update that lies in memory.</summary>
public sealed class MemoryUpdate(string node, long examples, AdapterState state) : IUpdate
{
    private readonly Dictionary<string, int[]> _shapes = state.ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal);

    public string Node { get; } = node;

    public long Examples { get; } = examples;

    public IUpdateReader Open() => new Reader(state, _shapes);

    private sealed class Reader(AdapterState state, IReadOnlyDictionary<string, int[]> shapes) : IUpdateReader
    {
        public IReadOnlyDictionary<string, int[]> Shapes => shapes;

        public void Read(string name, Span<float> values) => state[name].Values.CopyTo(values);

        public void Dispose()
        {
        }
    }
}

/// <summary>An update that lies in a safetensors file, which stays as it is: its header is read once, however often it is opened.</summary>
public sealed class FileUpdate(string node, long examples, string path) : IUpdate
{
    private SafetensorsHeader? _header;

    public string Node { get; } = node;

    public long Examples { get; } = examples;

    public IUpdateReader Open()
    {
        var reader = SafetensorsReader.Open(path, _header);
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
