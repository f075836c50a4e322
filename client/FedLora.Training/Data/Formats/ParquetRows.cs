using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace FedLora.Training.Data.Formats;

/// <summary>
/// Rows of a Parquet file, a row group at a time; only the columns that are wanted are read. Numbers of a column that Hugging Face's
/// metadata calls a <c>ClassLabel</c>
/// become the names that it gives them.
/// </summary>
internal static class ParquetRows
{
    // Unpacked, of one column of one row group; arrays end at 2 GiB.
    private const long LargestColumn = (1L << 31) - (1 << 16);

    public static IEnumerable<DataLine> Read(string path, Stream file, IReadOnlySet<string> fields, DataBudget budget,
        CancellationToken cancellationToken)
    {
        var reader = Trying(path, () => ParquetFooter.IsSound(file)
            ? ParquetReader.CreateAsync(file, null, leaveStreamOpen: true, cancellationToken).GetAwaiter().GetResult()
            : throw new InvalidDataException());
        var wanted = Wanted(path, reader, fields);
        var names = Trying(path, () => ClassNames(reader));
        var number = 0;
        for (var group = 0; group < reader.RowGroupCount; group++)
        {
            var (rows, tree) = Trying(path, () => ReadGroup(path, reader, group, wanted, budget, cancellationToken));
            for (var i = 0L; i < rows; i++)
            {
                number++;
                yield return Trying(path, () => ReadRow(path, number, tree, wanted, names));
            }
        }
    }

    private static DataLine ReadRow(string path, int number, ParquetTree tree, Field[] wanted, Dictionary<string, string[]> names)
    {
        using var row = new JsonRow();
        foreach (var field in wanted)
            row.Add(field.Name, field.Name == "image" ? Image(tree.Next(field))
                : Named(tree.Next(field), names.GetValueOrDefault(field.Name), field.Name, row));
        return row.ToLine(path, number);
    }

    private static Field[] Wanted(string path, ParquetReader reader, IReadOnlySet<string> fields)
    {
        var wanted = Trying(path, () => reader.Schema.Fields.Where(field => fields.Contains(field.Name)).ToArray());
        if (wanted.Length == 0)
            throw CsvRows.NoColumn(path, fields, [.. reader.Schema.Fields.Select(field => field.Name)]);
        if (Array.Find(wanted, field => ParquetTree.Leaves(field) is null or []) is { } other)
            throw new FedLoraException("data-invalid", $"{path}: the column \"{other.Name}\" is a map or a repeated field without a list.",
                "Write it as a text, a number, or a list of structures.");
        return wanted;
    }

    private static (long Rows, ParquetTree Tree) ReadGroup(string path, ParquetReader reader, int index, Field[] wanted,
        DataBudget budget, CancellationToken cancellationToken)
    {
        using var group = reader.OpenRowGroupReader(index);
        var columns = new Dictionary<DataField, ParquetColumn>();
        foreach (var leaf in wanted.SelectMany(field => ParquetTree.Leaves(field)!))
        {
            if (group.GetMetadata(leaf)?.MetaData is not
                {
                    TotalUncompressedSize: >= 0 and < LargestColumn,
                    NumValues: >= 0 and < int.MaxValue and var values
                })
                throw new FedLoraException("data-too-large",
                    $"{path}: the column \"{leaf.Path}\" has 2 GiB or more in row group {index + 1}.",
                        "Write the file with smaller row groups.");
            // So many the library makes room for, before it has seen one.
            budget.SpendValues(values);
            columns[leaf] = ParquetColumn.ReadAsync(group, leaf, budget, cancellationToken).GetAwaiter().GetResult();
        }
        return (group.RowCount, new ParquetTree(columns));
    }

    // {"info": {"features": {"label": {"names": ["ham", "spam"], "_type": "ClassLabel"}}}}
    private static Dictionary<string, string[]> ClassNames(ParquetReader reader)
    {
        if (!reader.CustomMetadata.TryGetValue("huggingface", out var text))
            return [];
        using var json = JsonDocument.Parse(text);
        if (!json.RootElement.TryGetProperty("info", out var info) || !info.TryGetProperty("features", out var features))
            return [];
        return features.EnumerateObject()
            .Where(feature => feature.Value.ValueKind == JsonValueKind.Object && feature.Value.TryGetProperty("names", out _))
            .ToDictionary(feature => feature.Name, feature =>
                feature.Value.GetProperty("names").EnumerateArray().Select(name => name.GetString()!).ToArray(), StringComparer.Ordinal);
    }

    // Hugging Face's feature Image is {"bytes": ..., "path": ...}.
    private static object? Image(object? value) =>
        (value is IReadOnlyDictionary<string, object?> of ? of.GetValueOrDefault("bytes") : value) is byte[] file
            ? Convert.ToBase64String(file) : value;

    private static object? Named(object? value, string[]? names, string column, JsonRow row)
    {
        if (names is null || value is not long number)
            return value;
        if (number >= 0 && number < names.Length)
            return names[number];
        row.Fault ??= $"has a number in \"{column}\" that is none of its {names.Length} classes";
        return null;
    }

    /// <summary>Whatever a damaged file makes the library throw is one error; its words may hold pieces of the file, and stay
    /// inside.</summary>
    private static T Trying<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (FedLoraException or OperationCanceledException))
        {
            throw new FedLoraException("data-invalid",
                $"{path} is not a Parquet file that can be read ({e.GetType().Name}): it is damaged, cut short, encrypted, or of a kind "
                    + $"that is not supported.", "Copy the file again, or write it anew, e.g. with Hugging Face datasets' to_parquet.", e);
        }
    }
}
