namespace FedLora.Compression;

/// <summary>Reads what <see cref="ByteWriter"/> wrote; running out of bytes is an error of the input, never of the program.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly ReadOnlySpan<byte> Rest => _rest;

    public ReadOnlySpan<byte> Take(long size)
    {
        if (size > _rest.Length)
            throw SparseFormat.Invalid("it ends too early");
        var taken = _rest[..(int)size];
        _rest = _rest[(int)size..];
        return taken;
    }

    public uint ReadVarint()
    {
        uint value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            var next = Take(1)[0];
            if (shift == 28 && next > 0x0F)
                break;
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }

        throw SparseFormat.Invalid("a number in it is longer than 32 bits");
    }
}
