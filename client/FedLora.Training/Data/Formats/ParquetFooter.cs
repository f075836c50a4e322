using System.Buffers.Binary;

namespace FedLora.Training.Data.Formats;

/// <summary>
/// Walks a Parquet file's footer before a reader does: Thrift's compact protocol states how long lists are, and a damaged length must not
/// have a reader go on for hours, nor make room for it. Every element takes at least a byte, so a list that is longer than what is left of
/// the footer is damaged, and a walk ends with the footer. A field of another type than the format gives it is damaged too: readers take
/// what stands there for what it should be.
/// </summary>
internal ref struct ParquetFooter
{
    private const int MostNested = 32;

    private const int ChildrenField = 5;

    // Thrift's compact types.
    private const int Flag = 2;
    private const int Int16 = 4;
    private const int Int32 = 5;
    private const int Int64 = 6;
    private const int Binary = 8;
    private const int Many = 9;
    private const int One = 12;

    // The fields of parquet.thrift, from the first on: their types, and of what part they are, or their elements.
    private static readonly Dictionary<Part, (int Type, Part Of)[]> Fields = new()
    {
        [Part.File] =
        [
            Of(Int32), Of(Many, Part.SchemaElement), Of(Int64), Of(Many, Part.RowGroup), Of(Many, Part.KeyValue), Of(Binary), Of(Many),
            Of(One), Of(Binary),
        ],
        [Part.SchemaElement] =
        [
            Of(Int32), Of(Int32), Of(Int32), Of(Binary), Of(Int32), Of(Int32), Of(Int32), Of(Int32), Of(Int32), Of(One),
        ],
        [Part.KeyValue] = [Of(Binary), Of(Binary)],
        [Part.RowGroup] = [Of(Many, Part.Column), Of(Int64), Of(Int64), Of(Many), Of(Int64), Of(Int64), Of(Int16)],
        [Part.Column] =
        [
            Of(Binary), Of(Int64), Of(One, Part.ColumnData), Of(Int64), Of(Int32), Of(Int64), Of(Int32), Of(One), Of(Binary),
        ],
        [Part.ColumnData] =
        [
            Of(Int32), Of(Many), Of(Many), Of(Int32), Of(Int64), Of(Int64), Of(Int64), Of(Many, Part.KeyValue), Of(Int64), Of(Int64),
            Of(Int64), Of(One, Part.Statistics), Of(Many), Of(Int64), Of(Int32), Of(One), Of(One),
        ],
        [Part.Statistics] = [Of(Binary), Of(Binary), Of(Int64), Of(Int64), Of(Binary), Of(Binary), Of(Flag), Of(Flag)],
    };

    private ReadOnlySpan<byte> _left;
    private ulong _number;
    private int _children;

    private enum Part
    {
        Other,
        File,
        SchemaElement,
        KeyValue,
        RowGroup,
        Column,
        ColumnData,
        Statistics,
    }

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
        return new ParquetFooter { _left = bytes }.Struct(0, Part.File);
    }

    private bool Struct(int depth, Part part = Part.Other)
    {
        for (short field = 0; Byte() is { } header;)
        {
            if (header == 0)
                return true;
            // A field's number is a difference of four bits, or else follows.
            if (header >> 4 != 0)
                field += (short)(header >> 4);
            else if (Varint() is { } number)
                field = (short)Signed(number);
            else
                return false;
            var (type, of) = Fields.TryGetValue(part, out var known) && field >= 1 && field <= known.Length ? known[field - 1]
                : (header & 15, Part.Other);
            // Of a flag the type is its value.
            if ((header & 15) != type && !(type == Flag && (header & 15) == 1))
                return false;
            if (!(of == Part.SchemaElement ? Schema(depth + 1) : Value(header & 15, depth + 1, of, isField: true)))
                return false;
            if (part == Part.SchemaElement && field == ChildrenField)
                _children = (int)Signed(_number);
        }
        return false;
    }

    /// <summary>The schema's tree, its elements one after another: readers go down it by calling themselves, as deep as it is.</summary>
    private bool Schema(int depth)
    {
        if (Count() is not ({ } count, One))
            return false;
        var open = new List<int>();
        for (var i = 0UL; i < count; i++)
        {
            _children = 0;
            if (!Struct(depth + 1, Part.SchemaElement))
                return false;
            while (open.Count > 0 && open[^1] == 0)
                open.RemoveAt(open.Count - 1);
            if (open.Count > 0)
                open[^1]--;
            if (_children > 0)
                open.Add(_children);
            if (open.Count > DataLimits.MostNested)
                return false;
        }
        return true;
    }

    private static (int Type, Part Of) Of(int type, Part of = Part.Other) => (type, of);

    private static long Signed(ulong zigzag) => (long)(zigzag >> 1) ^ -(long)(zigzag & 1);

    private bool Value(int type, int depth, Part of, bool isField)
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
                if (Varint() is not { } number)
                    return false;
                _number = number;
                return true;
            case 7:
                return Skip(8);
            case 8:
                return Varint() is { } length && length <= (ulong)_left.Length && Skip((int)length);
            case 9 or 10:
                return List(depth, of);
            case 11:
                return Map(depth);
            case 12:
                return Struct(depth, of);
            default:
                return false;
        }
    }

    private bool List(int depth, Part of)
    {
        if (Count() is not var (count, type) || (of != Part.Other && type != One))
            return false;
        for (var i = 0UL; i < count; i++)
        {
            if (!Value(type, depth + 1, of, isField: false))
                return false;
        }
        return true;
    }

    private (ulong Count, int Type)? Count()
    {
        if (Byte() is not { } header)
            return null;
        var count = header >> 4 == 15 ? Varint() : (ulong)(header >> 4);
        return count <= (ulong)_left.Length ? (count.Value, header & 15) : null;
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
            if (!Value(types >> 4, depth + 1, Part.Other, isField: false) || !Value(types & 15, depth + 1, Part.Other, isField: false))
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
