namespace FedLora.Training.Data.Formats;

/// <summary>One line or row of a data file, whatever its format, as the text of a JSON object.</summary>
/// <param name="Place">The file and the place in it, for errors: "mails.csv, row 7".</param>
/// <param name="Number">Its number in its file, from 1; a header does not count.</param>
/// <param name="Text">One JSON object, or what the file holds instead of one.</param>
/// <param name="Fault">What is wrong with it already, e.g. "has 2 fields instead of 3"; null where nothing is. Never a word of the
/// data.</param>
internal readonly record struct DataLine(string Place, int Number, string Text, string? Fault = null);

/// <summary>Bounds of what is read.</summary>
internal static class DataLimits
{
    /// <summary>Characters of a line or row.</summary>
    public const int LargestLine = 16 * 1024 * 1024;

    /// <summary>Files of a folder.</summary>
    public const int MostFiles = 10_000;

    /// <summary>Images of a folder with a folder for each class.</summary>
    public const int MostImages = 200_000;

    /// <summary>Lists and structures within each other in a Parquet file.</summary>
    public const int MostNested = 64;
}
