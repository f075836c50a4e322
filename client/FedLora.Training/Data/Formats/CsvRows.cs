using System.Text.RegularExpressions;
using Sylvan.Data.Csv;

namespace FedLora.Training.Data.Formats;

/// <summary>Rows of comma- or tab-separated values (RFC 4180: quoted fields may hold separators, line ends and doubled quotes). The first
/// row names the columns.</summary>
internal static partial class CsvRows
{
    private const int MostNamed = 8;

    public static IEnumerable<DataLine> Read(string path, TextReader reader, char separator, IReadOnlySet<string> fields)
    {
        using var rows = Open(path, reader, separator);
        var columns = Enumerable.Range(0, rows.FieldCount).Select(index => (Name: rows.GetName(index).Trim(), Index: index))
            .Where(column => fields.Contains(column.Name)).ToArray();
        if (columns.GroupBy(column => column.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new FedLoraException("data-invalid", $"{path} has the column \"{twice.Key}\" twice.",
                "Rename one of them in its first line.");
        if (columns.Length == 0)
            throw NoColumn(path, fields, [.. Enumerable.Range(0, rows.FieldCount).Select(rows.GetName)]);
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

    /// <summary>No column is of any use; those that there are, are named.</summary>
    public static FedLoraException NoColumn(string path, IReadOnlySet<string> fields, IReadOnlyList<string> found) =>
        new("data-invalid",
            $"{path} has none of the columns {string.Join(", ", fields.Order(StringComparer.Ordinal))}; it has {Named(found)}.",
            found is [var one] && one.AsSpan().IndexOfAny(";\t|,") >= 0
                ? "Its separator is not the one that its name says: commas in .csv, tabs in .tsv."
                : "Name its columns so, in small letters: text and label, or text, or prompt and completion.");

    // A first line that names nothing is data, which errors do not tell.
    private static string Named(IReadOnlyList<string> found) => found.Count <= MostNamed && found.All(name => Name().IsMatch(name))
        ? string.Join(", ", found) : $"{found.Count} of other names, or its first line is no head";

    [GeneratedRegex(@"^[\p{L}_][\p{L}\p{N}_.-]{0,31}$", RegexOptions.None, 1000)]
    private static partial Regex Name();

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
