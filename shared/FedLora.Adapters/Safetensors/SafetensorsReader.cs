using System.Buffers;
using System.Runtime.InteropServices;

namespace FedLora.Adapters;

/// <summary>
/// A safetensors file whose tensors are read one by one where the caller wants them, without a mapping: what has been read takes no memory
/// here. For many opened often: a header that was read before, of this file or of the last one with the same bytes, is not read again.
/// Several threads may read at once.
/// </summary>
public sealed class SafetensorsReader : IDisposable
{
    private static Parsed? _last;
    private readonly string _where;
    private readonly Stream _stream;
    private readonly bool _leaveOpen;
    private readonly Lock _position = new();

    private SafetensorsReader(Stream stream, string where, SafetensorsHeader? known, bool leaveOpen)
    {
        (_stream, _where, _leaveOpen) = (stream, where, leaveOpen);
        Header = known ?? Parse();
    }

    /// <summary>Where each tensor lies.</summary>
    public SafetensorsHeader Header { get; }

    /// <summary>Checks the header of what a stream holds.</summary>
    /// <param name="stream">The whole file; can seek.</param>
    /// <param name="where">What to call it in errors.</param>
    /// <param name="known">The header that an earlier reader of these bytes had; null: it is read.</param>
    /// <param name="leaveOpen">Otherwise the stream is closed with the reader, and where this fails.</param>
    /// <exception cref="FedLoraException"><c>safetensors-invalid</c> or <c>safetensors-dtype</c>.</exception>
    public static SafetensorsReader Open(Stream stream, string where, SafetensorsHeader? known = null, bool leaveOpen = false)
    {
        try
        {
            return new SafetensorsReader(stream, where, known, leaveOpen);
        }
        catch when (!leaveOpen)
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Converts a tensor to float32 into a place of the caller's, as long as the tensor.</summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>; <c>safetensors-invalid</c>: the file has become shorter.</exception>
    public void Read(string name, Span<float> values)
    {
        if (!Header.Tensors.TryGetValue(name, out var entry))
            throw new FedLoraException("tensor-missing", $"'{_where}' has no tensor '{name}'.",
                "It belongs to another model or was written by another program.");
        if (values.Length != entry.ElementCount)
            throw new ArgumentException($"Tensor '{name}' holds {entry.ElementCount} numbers, not {values.Length}.", nameof(values));
        if (entry.Dtype == SafetensorsDtype.F32 && BitConverter.IsLittleEndian)
        {
            Fill(Header.DataStart + entry.Start, MemoryMarshal.AsBytes(values));
            return;
        }
        var buffer = ArrayPool<byte>.Shared.Rent(checked((int)entry.ByteCount));
        try
        {
            var bytes = buffer.AsSpan(0, (int)entry.ByteCount);
            Fill(Header.DataStart + entry.Start, bytes);
            SafetensorsConvert.ToFloats(entry, bytes, values);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The tensor as float32.</summary>
    /// <inheritdoc cref="Read"/>
    public float[] ReadFloats(string name)
    {
        var values = new float[Header.Tensors.TryGetValue(name, out var entry) ? entry.ElementCount : 0];
        Read(name, values);
        return values;
    }

    public void Dispose()
    {
        if (!_leaveOpen)
            _stream.Dispose();
    }

    private void Fill(long start, Span<byte> bytes)
    {
        // A file is read at an offset without moving in it: nobody waits for another.
        if (_stream is FileStream file)
        {
            for (var done = 0; done < bytes.Length;)
            {
                var count = RandomAccess.Read(file.SafeFileHandle, bytes[done..], start + done);
                done += count > 0 ? count : throw Shorter(start + done);
            }
            return;
        }
        lock (_position)
        {
            _stream.Position = start;
            var count = _stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count < bytes.Length)
                throw Shorter(start + count);
        }
    }

    private FedLoraException Shorter(long end) => SafetensorsHeader.Invalid(_where, $"ends at byte {end}: it has become shorter");

    private SafetensorsHeader Parse()
    {
        var length = _stream.Length;
        Span<byte> first = stackalloc byte[(int)Math.Min(8, length)];
        Fill(0, first);
        var bytes = new byte[8 + SafetensorsHeader.LengthOf(first, length, _where)];
        Fill(0, bytes);
        if (_last is { } last && last.Length == length && last.Bytes.AsSpan().SequenceEqual(bytes))
            return last.Header;
        var header = SafetensorsHeader.Parse(bytes, length, _where);
        // One that a hostile peer made huge is not worth keeping.
        if (bytes.Length <= 1 << 22)
            _last = new Parsed(bytes, length, header);
        return header;
    }

    private sealed record Parsed(byte[] Bytes, long Length, SafetensorsHeader Header);
}
