using System.Buffers.Binary;

namespace FedLora.Compression.Masks;

/// <summary>Packs bits, lowest first, into little-endian bytes.</summary>
internal struct BitPacker(ByteWriter writer)
{
    private ulong pending;
    private int count;

    /// <param name="value">Below 2^<paramref name="bits"/>.</param>
    /// <param name="bits">0 to 32.</param>
    public void Write(uint value, int bits)
    {
        pending |= (ulong)value << count;
        count += bits;
        if (count < 32)
            return;
        writer.WriteUInt32((uint)pending);
        pending >>= 32;
        count -= 32;
    }

    public void Flush()
    {
        for (; count > 0; count -= 8, pending >>= 8)
            writer.Take(1)[0] = (byte)pending;
        count = 0;
    }
}

/// <summary>Reads what <see cref="BitPacker"/> packed. Past the end it reads zeros and <see cref="Overrun"/> tells.</summary>
internal ref struct BitUnpacker(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;
    private ulong pending;
    private int count;
    private int position;

    /// <summary>Whether more bits were read than there are.</summary>
    public readonly bool Overrun => position - (count >> 3) > bytes.Length;

    /// <param name="bits">0 to 32.</param>
    public uint Read(int bits)
    {
        if (count < bits)
            Refill();
        var value = (uint)(pending & ((1UL << bits) - 1));
        pending >>= bits;
        count -= bits;
        return value;
    }

    private void Refill()
    {
        uint next = 0;
        if (position + 4 <= bytes.Length)
        {
            next = BinaryPrimitives.ReadUInt32LittleEndian(bytes[position..]);
        }
        else
        {
            for (var i = 0; position + i < bytes.Length && i < 4; i++)
                next |= (uint)bytes[position + i] << (8 * i);
        }

        pending |= (ulong)next << count;
        count += 32;
        position += 4;
    }
}
