using System.Buffers.Binary;
using System.Text.Json;

namespace FedLora.Adapters;

/// <summary>
/// The header of a safetensors file: 8 bytes of length, then JSON. Strict, because files come from others: the tensors must cover
/// the data exactly, in whatever order, without gap or overlap (https://github.com/huggingface/safetensors#format).
/// </summary>
/// <param name="Tensors">By name.</param>
/// <param name="Metadata">The free text under <c>__metadata__</c>.</param>
/// <param name="DataStart">Where the data begin in the file.</param>
public sealed record SafetensorsHeader(IReadOnlyDictionary<string, SafetensorsEntry> Tensors, IReadOnlyDictionary<string, string> Metadata,
    long DataStart)
{
    /// <summary>Longest header that is read, in bytes (the reference implementation has the same limit).</summary>
    public const int MaxLength = 100_000_000;

    private IReadOnlyDictionary<string, int[]>? _shapes;

    /// <summary>Shapes by tensor name, made once.</summary>
    /// <exception cref="FedLoraException"><c>safetensors-too-large</c>: a tensor has more entries than an array here.</exception>
    public IReadOnlyDictionary<string, int[]> Shapes =>
        _shapes ??= Tensors.Values.ToDictionary(entry => entry.Name, entry => entry.IntShape(), StringComparer.Ordinal);

    /// <summary>How many header bytes follow the first eight.</summary>
    /// <param name="first">The first eight bytes of the file, or fewer where it ends before.</param>
    /// <param name="fileLength">Length of the whole file in bytes.</param>
    /// <param name="where">The file's name, for errors.</param>
    public static int LengthOf(ReadOnlySpan<byte> first, long fileLength, string where)
    {
        if (first.Length < 8 || fileLength < 8)
            throw Invalid(where, $"has only {fileLength} bytes, so no header");
        if (LfsPointer.MayBeOne(first))
            throw LfsPointer.Refused(where, "safetensors-invalid");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(first);
        if (length > MaxLength)
            throw Invalid(where, $"states a header of {length} bytes, above the limit of {MaxLength}");
        if ((long)length > fileLength - 8)
            throw Invalid(where,
                $"states a header of {length} bytes but has only {fileLength - 8} bytes after its length: it is truncated");
        return (int)length;
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="file">The file's beginning, at least up to the end of the header.</param>
    /// <param name="fileLength">Length of the whole file in bytes.</param>
    /// <param name="where">The file's name, for errors.</param>
    /// <exception cref="FedLoraException"><c>safetensors-invalid</c> or <c>safetensors-dtype</c>.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> file, long fileLength, string where)
    {
        var length = LengthOf(file, fileLength, where);
        try
        {
            var reader = new SafetensorsHeaderReader(file.Slice(8, length), where);
            reader.Read();
            RequireCover(reader.Tensors.Values, fileLength - 8 - length, where);
            return new SafetensorsHeader(reader.Tensors, reader.Metadata, 8 + length);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw Invalid(where, $"has a header that cannot be read ({error.Message.TrimEnd('.')})", error);
        }
    }

    private static void RequireCover(IEnumerable<SafetensorsEntry> entries, long dataLength, string where)
    {
        var end = 0L;
        foreach (var entry in entries.OrderBy(e => e.Start).ThenBy(e => e.ByteCount))
        {
            if (entry.Start != end)
                throw Invalid(where,
                    $"has {(entry.Start < end ? "overlapping tensors" : "a gap")} before tensor '{entry.Name}' (byte {entry.Start} after "
                        + $"{end})");
            end = entry.Start + entry.ByteCount;
            if (end > dataLength)
                throw Invalid(where, $"is truncated: tensor '{entry.Name}' ends at byte {end} of {dataLength}");
        }
        if (end != dataLength)
            throw Invalid(where, $"has {dataLength - end} bytes that belong to no tensor");
    }

    internal static FedLoraException Invalid(string where, string what, Exception? inner = null) =>
        new("safetensors-invalid", $"'{where}' {what}.", "Fetch or write the file again; it is damaged or not safetensors.", inner);
}
