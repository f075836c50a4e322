using System.Security.Cryptography;
using System.Text;
using FedLora.Adapters;

namespace FedLora.Compression;

/// <summary>How the tensors of an adapter lie in one vector: end to end in ordinal order of their names, each row-major.</summary>
public sealed class VectorLayout
{
    private readonly SortedList<string, (int[] Shape, int Start, int Length)> _tensors = new(StringComparer.Ordinal);

    /// <param name="tensors">Names and shapes, in any order; names are unique.</param>
    /// <exception cref="FedLoraException"><c>update-too-large</c>: more than 2^31 - 1 entries.</exception>
    public VectorLayout(IEnumerable<(string Name, int[] Shape)> tensors)
    {
        foreach (var (name, shape) in tensors)
            _tensors.Add(name, (shape, 0, AdapterTensor.Count(shape)));
        var text = new StringBuilder();
        long start = 0;
        foreach (var (name, (shape, _, length)) in _tensors.ToArray())
        {
            if (start + length > Array.MaxLength)
                throw new FedLoraException("update-too-large", $"The adapter has more than {Array.MaxLength} entries.",
                    "Lower the rank or adapt fewer modules.");
            _tensors[name] = (shape, (int)start, length);
            start += length;
            text.Append(name).Append(' ').AppendJoin('x', shape).Append('\n');
        }

        Length = (int)start;
        Digest = SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsMemory(0, SparseCodec.LayoutDigestSize);
    }

    /// <summary>The layout of the tensors of an adapter.</summary>
    public static VectorLayout Of(AdapterState adapter) => new(adapter.Select(tensor => (tensor.Name, tensor.Shape)));

    /// <summary>Number of entries of all tensors.</summary>
    public int Length { get; }

    /// <summary>16 bytes that name the layout on the wire.</summary>
    public ReadOnlyMemory<byte> Digest { get; }

    /// <summary>Names in order.</summary>
    public IList<string> Names => _tensors.Keys;

    /// <summary>Shapes by name.</summary>
    public IReadOnlyDictionary<string, int[]> Shapes =>
        _tensors.ToDictionary(tensor => tensor.Key, tensor => tensor.Value.Shape, StringComparer.Ordinal);

    /// <summary>Where a tensor lies.</summary>
    public Range RangeOf(string name) => new(_tensors[name].Start, _tensors[name].Start + _tensors[name].Length);

    /// <summary>The tensor in which an entry lies.</summary>
    public string NameAt(int index) => _tensors.Last(tensor => tensor.Value.Start <= index && tensor.Value.Length > 0).Key;

    /// <summary>The adapter as one vector.</summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c> or <c>tensor-shape</c>, naming the tensor.</exception>
    public float[] Flatten(AdapterState adapter)
    {
        var vector = GC.AllocateUninitializedArray<float>(Length);
        foreach (var (name, (shape, start, _)) in _tensors)
        {
            var tensor = adapter[name];
            if (!shape.AsSpan().SequenceEqual(tensor.Shape))
                throw new FedLoraException("tensor-shape",
                    $"Tensor '{name}' has shape [{string.Join(", ", tensor.Shape)}] instead of [{string.Join(", ", shape)}].",
                    "Use the rank and the model that the federation states.");
            tensor.Values.CopyTo(vector, start);
        }

        return vector;
    }

    /// <summary>The vector as an adapter.</summary>
    public AdapterState Unflatten(ReadOnlySpan<float> vector)
    {
        var tensors = new List<AdapterTensor>(_tensors.Count);
        foreach (var (name, (shape, start, length)) in _tensors)
            tensors.Add(new AdapterTensor(name, shape, vector.Slice(start, length).ToArray()));
        return new AdapterState(tensors);
    }
}
