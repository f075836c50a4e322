using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace FedLora.Training.Data.Formats;

/// <summary>One leaf column of a row group with a cursor over it: values and the levels that tell where lists and nulls are.</summary>
internal sealed class ParquetColumn
{
    // Dictionaries are smaller; other columns name each text once.
    private const int MostKnown = 1 << 16;

    private readonly int _full;
    private readonly int[] _definitions;
    private readonly int[] _repetitions;
    private readonly object?[] _values;
    private int _at;
    private int _value;

    private ParquetColumn(DataField field, RawColumnData data, object?[] values) => (_full, _definitions, _repetitions, _values) = (
        field.MaxDefinitionLevel, field.MaxDefinitionLevel > 0 ? data.DefinitionLevels.ToArray() : [], field.MaxRepetitionLevel > 0
            ? data.RepetitionLevels.ToArray() : [], values);

    /// <summary>How far the entry here is defined.</summary>
    public int Definition => _full == 0 ? 0 : _definitions[_at];

    /// <summary>Reads a column whole. Of types that no example is made of every value is a fault of its row, not null.</summary>
    public static async Task<ParquetColumn> ReadAsync(ParquetRowGroupReader group, DataField field, DataBudget budget,
        CancellationToken cancellationToken)
    {
        using var data = await group.ReadRawColumnDataBaseAsync(field, cancellationToken);
        return new ParquetColumn(field, data, data switch
        {
            RawColumnData<ReadOnlyMemory<char>> texts => Texts(texts.Values, budget),
            RawColumnData<ReadOnlyMemory<byte>> files => Files(files.Values, budget),
            RawColumnData<bool> flags => Boxed(flags, flag => flag),
            RawColumnData<sbyte> numbers => Boxed(numbers, number => (long)number),
            RawColumnData<byte> numbers => Boxed(numbers, number => (long)number),
            RawColumnData<short> numbers => Boxed(numbers, number => (long)number),
            RawColumnData<ushort> numbers => Boxed(numbers, number => (long)number),
            RawColumnData<int> numbers => Boxed(numbers, number => (long)number),
            RawColumnData<uint> numbers => Boxed(numbers, number => (long)number),
            RawColumnData<long> numbers => Boxed(numbers, number => number),
            RawColumnData<ulong> numbers => Boxed(numbers, number => number),
            RawColumnData<float> numbers => Boxed(numbers, number => (double)number),
            RawColumnData<double> numbers => Boxed(numbers, number => number),
            _ => [.. Enumerable.Repeat<object?>(new Unreadable(), checked((int)group.GetMetadata(field)!.MetaData!.NumValues))],
        });
    }

    /// <summary>The value here, null where there is none; goes on to the next entry.</summary>
    public object? Next() => _full == 0 || _definitions[_at] == _full ? Take() : Skip();

    /// <summary>Goes over an entry of no value.</summary>
    public object? Skip()
    {
        _at++;
        return null;
    }

    /// <summary>Whether the entry here goes on with a list of a depth.</summary>
    public bool Continues(int depth) => _at < _repetitions.Length && _repetitions[_at] == depth;

    private object? Take()
    {
        _at++;
        return _values[_value++];
    }

    // A dictionary's text is made once, however often it is named.
    private static object?[] Texts(ReadOnlySpan<ReadOnlyMemory<char>> texts, DataBudget budget)
    {
        var (made, known) = (new object?[texts.Length], new Dictionary<ReadOnlyMemory<char>, string>());
        for (var i = 0; i < texts.Length; i++)
        {
            if (!known.TryGetValue(texts[i], out var text))
            {
                budget.Spend(texts[i].Length);
                text = texts[i].ToString();
                if (known.Count < MostKnown)
                    known.Add(texts[i], text);
            }
            made[i] = text;
        }
        return made;
    }

    // Binary: an image's file.
    private static object?[] Files(ReadOnlySpan<ReadOnlyMemory<byte>> files, DataBudget budget)
    {
        var made = new object?[files.Length];
        for (var i = 0; i < files.Length; i++)
        {
            budget.Spend(files[i].Length);
            made[i] = files[i].ToArray();
        }
        return made;
    }

    private static object?[] Boxed<T>(RawColumnData<T> data, Func<T, object?> widen)
        where T : struct => Array.ConvertAll(data.Values.ToArray(), value => widen(value));

    private sealed class Unreadable;
}
