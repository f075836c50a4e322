using System.Buffers.Binary;

namespace FedLora.Compression.Masks;

/// <summary>
/// Undoes <see cref="RansEncoder"/>: s is the symbol whose range holds x mod M, then x becomes f floor(x / M) + (x mod M) - c.
/// </summary>
internal ref struct RansDecoder
{
    private readonly ulong[] _slots;
    private readonly ReadOnlySpan<byte> _words;
    private int _position;
    private uint _state;

    /// <param name="table">As at the encoder.</param>
    /// <param name="bytes">The state and the words.</param>
    public RansDecoder(FrequencyTable table, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4 || (bytes.Length & 1) != 0)
            throw SparseFormat.Invalid("its mask is cut off");
        _state = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        _words = bytes[4..];
        _slots = Slots(table);
    }

    /// <summary>Whether decoding ended where encoding began; anything else is a damaged input.</summary>
    public readonly bool AtEnd => _state == RansEncoder.Lower && _position == _words.Length;

    public int Next()
    {
        var slot = _slots[(int)(_state & (FrequencyTable.Total - 1))];
        _state = ((uint)(slot >> 32) * (_state >> FrequencyTable.Bits)) + ((uint)(slot >> 8) & 0xFFFFFF);
        if (_state < RansEncoder.Lower && _position < _words.Length)
        {
            _state = (_state << 16) | BinaryPrimitives.ReadUInt16LittleEndian(_words[_position..]);
            _position += 2;
        }

        return (int)(slot & 0xFF);
    }

    /// <summary>For each x mod M: frequency (upper 32 bits), x mod M - start (24 bits), symbol (8 bits).</summary>
    private static ulong[] Slots(FrequencyTable table)
    {
        var made = new ulong[FrequencyTable.Total];
        for (var symbol = 0; symbol < table.Frequencies.Length; symbol++)
        {
            for (var i = 0; i < table.Frequencies[symbol]; i++)
                made[table.Starts[symbol] + i] = ((ulong)table.Frequencies[symbol] << 32) | ((ulong)i << 8) | (uint)symbol;
        }

        return made;
    }
}
