using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace FedLora.Adapters;

/// <summary>
/// Writes tensors as the reference implementation does (sorted by name, metadata <c>{"format":"pt"}</c>, header padded with
/// blanks to a multiple of eight), so that equal content has equal bytes, here and there.
/// </summary>
public static class SafetensorsWriter
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Where the pieces of the file go, in order.</summary>
    public delegate void Sink(ReadOnlySpan<byte> bytes);

    /// <summary>Writes a whole file.</summary>
    public static void Write(AdapterState state, Sink sink) => Write(state, SafetensorsDtype.F32, sink);

    /// <summary>Writes a whole file, its numbers as F32 or rounded to F16.</summary>
    public static void Write(AdapterState state, SafetensorsDtype type, Sink sink)
    {
        if (type is not (SafetensorsDtype.F32 or SafetensorsDtype.F16))
            throw new ArgumentOutOfRangeException(nameof(type), type, "Only F32 and F16 are written.");
        sink(Header([.. state.Select(t => (t.Name, type, Array.ConvertAll(t.Shape, size => (long)size)))]));
        foreach (var tensor in state)
        {
            if (type == SafetensorsDtype.F32)
                sink(MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
            else
                sink(MemoryMarshal.AsBytes(Array.ConvertAll(tensor.Values, value => (Half)value).AsSpan()));
        }
    }

    /// <summary>The length of the file that tensors of these names and shapes make, in bytes.</summary>
    public static long FileLength(IReadOnlyList<(string Name, int[] Shape)> tensors) =>
        Header([.. tensors.Select(t => (t.Name, SafetensorsDtype.F32, Array.ConvertAll(t.Shape, size => (long)size)))]).Length
            + tensors.Sum(t => 4 * t.Shape.Aggregate(1L, (n, size) => n * size));

    /// <summary>The beginning of a file, which the tensors' bytes follow in this order.</summary>
    /// <param name="tensors">As the reference has them: larger types first, then by name.</param>
    public static byte[] Header(IReadOnlyList<(string Name, SafetensorsDtype Type, long[] Shape)> tensors)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(stackalloc byte[8]);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            var start = 0L;
            foreach (var (name, type, shape) in tensors)
            {
                var end = start + (SafetensorsEntry.SizeOf(type) * shape.Aggregate(1L, (n, size) => n * size));
                json.WriteStartObject(name);
                json.WriteString("dtype", type.ToString());
                WriteNumbers(json, "shape", shape);
                WriteNumbers(json, "data_offsets", [start, end]);
                json.WriteEndObject();
                start = end;
            }
            json.WriteEndObject();
        }
        buffer.Write(Encoding.ASCII.GetBytes(new string(' ', (8 - (buffer.WrittenCount % 8)) % 8)));
        var header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
