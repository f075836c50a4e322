using System.Collections;
using System.Security.Cryptography;

namespace FedLora.Adapters;

/// <summary>
/// An immutable set of tensors, ordered by ordinal name; equal content has equal bytes and so an equal <see cref="Hash"/>.
/// </summary>
public sealed class AdapterState : IReadOnlyCollection<AdapterTensor>
{
    private readonly SortedList<string, AdapterTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Lazy<string> _hash;

    /// <exception cref="FedLoraException"><c>adapter-invalid</c>: a name comes twice, or a tensor holds another number of values than its
    /// shape says.</exception>
    public AdapterState(IEnumerable<AdapterTensor> tensors)
    {
        foreach (var tensor in tensors)
        {
            if (tensor.Values.Length != AdapterTensor.Count(tensor.Shape))
                throw new FedLoraException("adapter-invalid",
                    $"Tensor '{tensor.Name}' of shape [{string.Join(", ", tensor.Shape)}] holds {tensor.Values.Length} values.",
                    "This is a defect of whatever built the adapter.");
            if (!_tensors.TryAdd(tensor.Name, tensor))
                throw new FedLoraException("adapter-invalid", $"Tensor '{tensor.Name}' comes twice.",
                    "Names within an adapter are unique.");
        }
        _hash = new Lazy<string>(() =>
        {
            using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            SafetensorsWriter.Write(this, sha.AppendData);
            return Convert.ToHexStringLower(sha.GetHashAndReset());
        });
    }

    /// <summary>The adapter without any tensor.</summary>
    public static AdapterState Empty { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _tensors.Count;

    /// <summary>Names in order.</summary>
    public IList<string> Names => _tensors.Keys;

    /// <summary>SHA-256 (64 lower-case hex digits) of <see cref="ToBytes"/>.</summary>
    public string Hash => _hash.Value;

    /// <summary>How many numbers it holds.</summary>
    public long ParameterCount => _tensors.Values.Sum(t => (long)t.Values.Length);

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>.</exception>
    public AdapterTensor this[string name] => TryGet(name, out var tensor)
        ? tensor
        : throw new FedLoraException("tensor-missing", $"The adapter has no tensor '{name}'.",
            "It was made by another method, for other modules or for another model.");

    public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out AdapterTensor? tensor) =>
        _tensors.TryGetValue(name, out tensor);

    /// <summary>
    /// The tensors that belong to some factors. One blob for each factor, so that a node fetches only those that changed.
    /// </summary>
    public AdapterState Only(Factors factors) => new(this.Where(t => factors.HasFlag(AdapterKey.Parse(t.Name).Factor)));

    /// <summary>This adapter with the tensors of another in the place of its own.</summary>
    public AdapterState With(IEnumerable<AdapterTensor> others)
    {
        var replaced = new Dictionary<string, AdapterTensor>(_tensors, StringComparer.Ordinal);
        foreach (var other in others)
            replaced[other.Name] = other;
        return new AdapterState(replaced.Values);
    }

    /// <summary>Refuses a NaN or an infinity.</summary>
    /// <exception cref="FedLoraException"><c>tensor-not-finite</c>.</exception>
    public void RequireFinite()
    {
        foreach (var tensor in this)
            tensor.RequireFinite();
    }

    /// <summary>The canonical safetensors file: float32, ordered by name.</summary>
    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(this, stream.Write);
        return stream.ToArray();
    }

    /// <summary>Writes the canonical file: all of it or nothing.</summary>
    public void Save(string path) => AtomicFile.Write(path, stream => SafetensorsWriter.Write(this, stream.Write));

    /// <summary>Reads a safetensors file; other number types become float32.</summary>
    /// <exception cref="FedLoraException"><c>safetensors-invalid</c>, <c>safetensors-dtype</c> or <c>file-missing</c>.</exception>
    public static AdapterState Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return new AdapterState(
            file.Tensors.Values.Select(entry => new AdapterTensor(entry.Name, entry.IntShape(), file.ReadFloats(entry.Name))));
    }

    /// <summary>Reads a safetensors file from a stream that can seek.</summary>
    /// <param name="stream">The whole file; closed afterwards.</param>
    /// <param name="where">What to call it in errors.</param>
    /// <exception cref="FedLoraException"><c>safetensors-invalid</c> or <c>safetensors-dtype</c>.</exception>
    public static AdapterState Load(Stream stream, string where)
    {
        using var reader = SafetensorsReader.Open(stream, where);
        return new AdapterState(
            reader.Header.Tensors.Values.Select(entry => new AdapterTensor(entry.Name, entry.IntShape(), reader.ReadFloats(entry.Name))));
    }

    /// <summary>Reads a safetensors file that lies in memory.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="where">What to call it in errors.</param>
    public static AdapterState FromBytes(ReadOnlySpan<byte> bytes, string where = "adapter")
    {
        var header = SafetensorsHeader.Parse(bytes, bytes.Length, where);
        var tensors = new List<AdapterTensor>(header.Tensors.Count);
        foreach (var entry in header.Tensors.Values)
        {
            var values = new float[entry.ElementCount];
            SafetensorsConvert.ToFloats(entry, bytes.Slice((int)(header.DataStart + entry.Start), (int)entry.ByteCount), values);
            tensors.Add(new AdapterTensor(entry.Name, entry.IntShape(), values));
        }
        return new AdapterState(tensors);
    }

    public IEnumerator<AdapterTensor> GetEnumerator() => _tensors.Values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
