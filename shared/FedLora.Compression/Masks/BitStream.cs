using System.Buffers.Binary;

namespace FedLora.Compression.Masks;

/// <summary>Packs bits, lowest first, into little-endian bytes.</summary>
internal struct BitPacker(ByteWriter writer)
{
    private ulong _pending;
    private int _count;

    /// <param name="value">Below 2^<paramref name="bits"/>.</param>
    /// <param name="bits">0 to 32.</param>
    public void Write(uint value, int bits)
    {
        _pending |= (ulong)value << _count;
        _count += bits;
        if (_count < 32)
            return;
        writer.WriteUInt32((uint)_pending);
        _pending >>= 32;
        _count -= 32;
    }

    public void Flush()
    {
        for (; _count > 0; _count -= 8, _pending >>= 8)
            writer.Take(1)[0] = (byte)_pending;
        _count = 0;
    }
}

/// <summary>Reads what <see cref="BitPacker"/> packed. Past the end it reads zeros and <see cref="Overrun"/> tells.</summary>
internal ref struct BitUnpacker(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private ulong _pending;
    private int _count;
    private int _position;

    /// <summary>Whether more bits were read than there are.</summary>
    public readonly bool Overrun => _position - (_count >> 3) > _bytes.Length;

    /// <param name="bits">0 to 32.</param>
    public uint Read(int bits)
    {
        if (_count < bits)
            Refill();
        var value = (uint)(_pending & ((1UL << bits) - 1));
        _pending >>= bits;
        _count -= bits;
        return value;
    }

    private void Refill()
    {
        uint next = 0;
        if (_position + 4 <= _bytes.Length)
        {
            next = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[_position..]);
        }
        else
        {
            for (var i = 0; _position + i < _bytes.Length && i < 4; i++)
                next |= (uint)_bytes[_position + i] << (8 * i);
        }

        _pending |= (ulong)next << _count;
        _count += 32;
        _position += 4;
    }
}
