using System.Buffers;
using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// Some tensors of the updates that are open: where those lie in memory their own values, else values read into memory from a pool, which
/// <see cref="Dispose"/> gives back.
/// </summary>
internal sealed class OpenTensors : IDisposable
{
    private readonly ReadOnlyMemory<float>[][] _values;
    private readonly List<float[]> _rented = [];

    /// <param name="readers">The updates.</param>
    /// <param name="tensors">Which each of them has.</param>
    public OpenTensors(List<IUpdateReader> readers, (string Name, int[] Shape)[] tensors)
    {
        Readers = readers.Count;
        _values = new ReadOnlyMemory<float>[tensors.Length][];
        for (var t = 0; t < tensors.Length; t++)
        {
            _values[t] = new ReadOnlyMemory<float>[readers.Count];
            for (var i = 0; i < readers.Count; i++)
                _values[t][i] = readers[i].InPlace(tensors[t].Name) ?? Read(readers[i], tensors[t].Name,
                    AdapterTensor.Count(tensors[t].Shape));
        }
    }

    /// <summary>How many updates.</summary>
    public int Readers { get; }

    /// <summary>A tensor's values in every update, row-major.</summary>
    public ReadOnlyMemory<float>[] this[int tensor] => _values[tensor];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in _rented)
            ArrayPool<float>.Shared.Return(buffer);
        _rented.Clear();
    }

    private ReadOnlyMemory<float> Read(IUpdateReader reader, string name, int count)
    {
        var buffer = ArrayPool<float>.Shared.Rent(count);
        _rented.Add(buffer);
        reader.Read(name, buffer.AsSpan(0, count));
        return buffer.AsMemory(0, count);
    }
}
