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

/// <summary>An update that lies in a safetensors file, mapped while a pass reads it.</summary>
public sealed class FileUpdate(string node, long examples, string path) : IUpdate
{
    public string Node { get; } = node;

    public long Examples { get; } = examples;

    public IUpdateReader Open() => new Reader(SafetensorsFile.Open(path));

    private sealed class Reader(SafetensorsFile file) : IUpdateReader
    {
        public IReadOnlyDictionary<string, int[]> Shapes { get; } =
            file.Tensors.Values.ToDictionary(entry => entry.Name, entry => entry.IntShape(), StringComparer.Ordinal);

        public void Read(string name, Span<float> values) => file.Read(name, values);

        public void Dispose() => file.Dispose();
    }
}
