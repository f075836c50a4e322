using System.Buffers.Binary;

namespace FedLora.Training.Data.Formats;

/// <summary>
/// Walks a Parquet file's footer before a reader does: Thrift's compact protocol states how long lists are, and a damaged length must not
/// have a reader go on for hours. Every element takes at least a byte, so a list that is longer than what is left of the footer is damaged,
/// and a walk ends with the footer.
/// </summary>
internal ref struct ParquetFooter
{
    private const int MostNested = 32;

    private ReadOnlySpan<byte> _left;

    /// <summary>Whether the footer of a file can be walked to its end; leaves the file at its start.</summary>
    /// <param name="file">Seekable.</param>
    public static bool IsSound(Stream file)
    {
        Span<byte> end = stackalloc byte[8];
        if (file.Length < 12)
            return false;
        file.Position = file.Length - end.Length;
        file.ReadExactly(end);
        var length = BinaryPrimitives.ReadInt32LittleEndian(end);
        if (length <= 0 || length > file.Length - 12)
            return false;
        file.Position = file.Length - end.Length - length;
        var bytes = new byte[length];
        file.ReadExactly(bytes);
        file.Position = 0;
        return new ParquetFooter { _left = bytes }.Struct(0);
    }

    private bool Struct(int depth)
    {
        while (Byte() is { } header)
        {
            if (header == 0)
                return true;
            // A field's number is a difference of four bits, or else follows.
            if (header >> 4 == 0 && Varint() is null)
                return false;
            if (!Value(header & 15, depth + 1, isField: true))
                return false;
        }
        return false;
    }

    private bool Value(int type, int depth, bool isField)
    {
        if (depth > MostNested)
            return false;
        switch (type)
        {
            // Of a field the type says it all; in a list each is a byte.
            case 1 or 2:
                return isField || Byte() is not null;
            case 3:
                return Skip(1);
            case 4 or 5 or 6:
                return Varint() is not null;
            case 7:
                return Skip(8);
            case 8:
                return Varint() is { } length && length <= (ulong)_left.Length && Skip((int)length);
            case 9 or 10:
                return List(depth);
            case 11:
                return Map(depth);
            case 12:
                return Struct(depth);
            default:
                return false;
        }
    }

    private bool List(int depth)
    {
        if (Byte() is not { } header)
            return false;
        var count = (ulong)(header >> 4);
        if (count == 15)
        {
            if (Varint() is not { } stated)
                return false;
            count = stated;
        }
        if (count > (ulong)_left.Length)
            return false;
        for (var i = 0UL; i < count; i++)
        {
            if (!Value(header & 15, depth + 1, isField: false))
                return false;
        }
        return true;
    }

    private bool Map(int depth)
    {
        if (Varint() is not { } count || count > (ulong)_left.Length)
            return false;
        if (count == 0)
            return true;
        if (Byte() is not { } types)
            return false;
        for (var i = 0UL; i < count; i++)
        {
            if (!Value(types >> 4, depth + 1, isField: false) || !Value(types & 15, depth + 1, isField: false))
                return false;
        }
        return true;
    }

    private int? Byte()
    {
        if (_left.IsEmpty)
            return null;
        var value = _left[0];
        _left = _left[1..];
        return value;
    }

    private ulong? Varint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (Byte() is not { } next)
                return null;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        return null;
    }

    private bool Skip(int count)
    {
        if (count > _left.Length)
            return false;
        _left = _left[count..];
        return true;
    }
}
