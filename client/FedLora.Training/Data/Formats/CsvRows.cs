using Sylvan.Data.Csv;

namespace FedLora.Training.Data.Formats;

/// <summary>Rows of comma- or tab-separated values (RFC 4180: quoted fields may hold separators, line ends and doubled quotes). The first
/// row names the columns.</summary>
internal static class CsvRows
{
    public static IEnumerable<DataLine> Read(string path, TextReader reader, char separator, IReadOnlySet<string> fields)
    {
        using var rows = Open(path, reader, separator);
        var columns = Enumerable.Range(0, rows.FieldCount).Select(index => (Name: rows.GetName(index).Trim(), Index: index))
            .Where(column => fields.Contains(column.Name)).ToArray();
        if (columns.GroupBy(column => column.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new FedLoraException("data-invalid", $"{path} has the column \"{twice.Key}\" twice.",
                "Rename one of them in its first line.");
        if (columns.Length == 0)
            throw NoColumn(path, fields);
        for (var number = 1; Next(path, rows, number); number++)
        {
            using var row = new JsonRow();
            if (rows.RowFieldCount != rows.FieldCount)
                row.Fault = $"has {rows.RowFieldCount} fields instead of {rows.FieldCount}";
            foreach (var (name, index) in columns.Where(column => column.Index < rows.RowFieldCount))
                row.Add(name, rows.GetString(index));
            yield return row.ToLine(path, number);
        }
    }

    /// <summary>No column is of any use.</summary>
    public static FedLoraException NoColumn(string path, IReadOnlySet<string> fields) =>
        new("data-invalid", $"{path} has none of the columns {string.Join(", ", fields.Order(StringComparer.Ordinal))}.",
            "Name its columns so: text and label, or text, or prompt and completion.");

    private static CsvDataReader Open(string path, TextReader reader, char separator)
    {
        try
        {
            return CsvDataReader.Create(reader,
                new CsvDataReaderOptions
                {
                    Delimiter = separator,
                    HasHeaders = true,
                    MaxBufferSize = 2 * DataLimits.LargestLine,
                    BufferSize = 1 << 16
                });
        }
        catch (Exception e) when (e is CsvFormatException or CsvRecordTooLargeException or CsvMissingHeadersException)
        {
            throw new FedLoraException("data-invalid", $"{path} has no first line that names its columns.", "Write one, e.g. text,label.",
                e);
        }
    }

    private static bool Next(string path, CsvDataReader rows, int number)
    {
        try
        {
            return rows.Read();
        }
        catch (Exception e) when (e is CsvFormatException or CsvRecordTooLargeException)
        {
            // Where a quote is not closed nothing tells where the next row begins.
            throw new FedLoraException("data-invalid",
                $"{path}, row {number}{(e is CsvFormatException format ? $", field {format.FieldOrdinal + 1}" : "")} "
                    + $"{(e is CsvFormatException ? "is not quoted as CSV is" : $"has more than {DataLimits.LargestLine} characters")}; "
                    + $"what follows cannot be read.",
                "Mend the row: a field with quotes is quoted, and each quote in it doubled.",
                    e)
            { Data = { [FedLoraException.LineKey] = number } };
        }
    }
}
