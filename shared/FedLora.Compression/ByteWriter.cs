using System.Buffers.Binary;

namespace FedLora.Compression;

/// <summary>A growing buffer of bytes; numbers are little-endian.</summary>
internal sealed class ByteWriter(int capacity)
{
    private byte[] _buffer = new byte[Math.Max(16, capacity)];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>Room for <paramref name="size"/> more bytes, to be filled by the caller.</summary>
    public Span<byte> Take(int size)
    {
        if (_buffer.Length - Length < size)
            Array.Resize(ref _buffer, checked((int)Math.Max(Math.Min(_buffer.Length * 2L, Array.MaxLength), (long)Length + size)));
        Length += size;
        return _buffer.AsSpan(Length - size, size);
    }

    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

    /// <summary>Seven bits a byte, lowest first, the top bit set on all but the last.</summary>
    public void WriteVarint(uint value)
    {
        for (; value >= 0x80; value >>= 7)
            Take(1)[0] = (byte)(value | 0x80);
        Take(1)[0] = (byte)value;
    }
}
