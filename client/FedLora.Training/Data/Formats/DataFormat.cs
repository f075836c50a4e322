using System.Text;
using FedLora.Training.Data.Images;
using ZstdSharp;

namespace FedLora.Training.Data.Formats;

/// <summary>
/// Opens what people keep examples in: a file of JSON lines, of comma- or tab-separated values (both also packed by gzip or Zstandard), a
/// Parquet file, MNIST's IDX files, an image, a folder of the first four, or a folder with a folder of images for each class.
/// Packed files and Parquet are known by their first bytes, CSV, TSV, IDX and images by their names; all else is JSON lines.
/// </summary>
internal static class DataFormat
{
    /// <summary>What a folder's files end in; others in it are not read.</summary>
    private static readonly string[] Endings = [".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"];

    private static readonly string[] Packings = [".gz", ".zst"];

    /// <summary>All lines of a file, or of a folder's files in the ordinal order of their names.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="fields">The fields that are wanted of a row; a JSON line comes whole.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="FedLoraException"><c>data-missing</c>, <c>data-invalid</c>, <c>data-too-large</c>.</exception>
    public static IEnumerable<DataLine> Read(string path, IReadOnlySet<string> fields, CancellationToken cancellationToken) =>
        Read(path, fields, DataBudget.Of(path, cancellationToken), cancellationToken);

    /// <inheritdoc cref="Read(string, IReadOnlySet{string}, CancellationToken)"/>
    /// <param name="budget">How much it may come to.</param>
    internal static IEnumerable<DataLine> Read(string path, IReadOnlySet<string> fields, DataBudget budget,
        CancellationToken cancellationToken)
    {
        // What is read and what is made of it, each by itself.
        var lines = budget.Again();
        foreach (var file in FilesOf(path).Where(file => !IdxRows.IsLabels(file)))
        {
            foreach (var line in ReadFile(file, fields, budget, cancellationToken))
            {
                lines.Spend(line.Text.Length);
                yield return line;
            }
        }
    }

    /// <summary>The files that a path means, in the order in which they are read.</summary>
    /// <exception cref="FedLoraException"><c>data-missing</c>, <c>data-too-large</c>: of a folder.</exception>
    public static IReadOnlyList<string> FilesOf(string path)
    {
        if (IdxRows.IsLabels(path))
            throw new FedLoraException("data-invalid", $"{path} holds labels alone.", "Name the file of the images, which lies beside it.");
        if (!Directory.Exists(path))
            return IdxRows.IsImages(path) ? [path, IdxRows.LabelsOf(path)] : [path];
        var files = Opening(path, () =>
            Directory.EnumerateFiles(path).Take(DataLimits.MostFiles + 1).Where(IsData).Order(StringComparer.Ordinal).ToList());
        if (files.Count == 0)
        {
            files = Opening(path, () => ImageFolder.FilesOf(path).Take(DataLimits.MostImages + 1).ToList());
            if (files.Count is > 0 and <= DataLimits.MostImages)
                return files;
        }
        if (files.Count == 0)
        {
            throw new FedLoraException("data-missing", $"The folder {path} holds no data file.",
                $"Give a file, or a folder of files that end in {string.Join(", ", Endings)} (packed: {string.Join(", ", Packings)}), or "
                    + $"one with a folder of images for each class ({string.Join(", ", ImageFile.Endings)}); of MNIST's, the "
                    + $"images' file.");
        }
        return files.Count <= DataLimits.MostFiles ? files
            : throw new FedLoraException("data-too-large", $"The folder {path} holds more than {DataLimits.MostFiles} files.",
                "Put fewer, larger files there.");
    }

    private static bool IsData(string file)
    {
        var name = Path.GetFileName(file);
        return !name.StartsWith('.') && Endings.Contains(Path.GetExtension(Unpacked(name)), StringComparer.OrdinalIgnoreCase);
    }

    private static string Unpacked(string name) => Packings.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)
        ? Path.GetFileNameWithoutExtension(name) : name;

    private static IEnumerable<DataLine> ReadFile(string path, IReadOnlySet<string> fields, DataBudget budget,
        CancellationToken cancellationToken)
    {
        using var file = Opening(path, () => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16));
        var head = new byte[32];
        var length = Opening(path, () => file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false));
        file.Position = 0;
        if (head.AsSpan(0, length).StartsWith("PAR1"u8))
        {
            foreach (var row in ParquetRows.Read(path, file, fields, budget, cancellationToken))
                yield return row;
            yield break;
        }
        if (LfsPointer.MayBeOne(head.AsSpan(0, length)))
            throw LfsPointer.Refused(path, "data-invalid");
        if (Path.GetExtension(path).Equals(".parquet", StringComparison.OrdinalIgnoreCase))
            throw new FedLoraException("data-invalid", $"{path} is not a Parquet file: it does not begin with PAR1.",
                "Download it again, or name it by what it is.");
        if (ImageFolder.IsImage(path))
        {
            // In Base64.
            budget.Spend(file.Length / 3 * 4);
            yield return ImageFolder.Read(path, Opening(path, () => File.ReadAllBytes(path)));
            yield break;
        }
        using var content = Unpacking(path, () => Packing.Open(file, head.AsSpan(0, length), path));
        if (IdxRows.IsImages(path))
        {
            using var labels = Labels(path);
            using var images = IdxRows.Read(path, content, labels, budget).GetEnumerator();
            while (Unpacking(path, images.MoveNext))
                yield return images.Current;
            yield break;
        }
        using var text = new StreamReader(content, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, 1 << 16, leaveOpen: true);
        using var reader = new CountedReader(text, budget);
        var lines = Path.GetExtension(Unpacked(Path.GetFileName(path))).ToLowerInvariant() switch
        {
            ".csv" => CsvRows.Read(path, reader, ',', fields),
            ".tsv" => CsvRows.Read(path, reader, '\t', fields),
            _ => TextLines.Read(path, reader),
        };
        // An iterator cannot catch around a yield: each step is taken by itself.
        using var steps = lines.GetEnumerator();
        while (Unpacking(path, steps.MoveNext))
            yield return steps.Current;
    }

    private static Stream Labels(string images)
    {
        var path = IdxRows.LabelsOf(images);
        var file = Opening(path, () => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16));
        var head = new byte[4];
        var length = Opening(path, () => file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false));
        file.Position = 0;
        return Unpacking(path, () => Packing.Open(file, head.AsSpan(0, length), path));
    }

    private static T Unpacking<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw new FedLoraException("data-invalid", $"{path} cannot be unpacked: it is damaged or cut short.",
                "Copy the file again, and test it with gzip -t or zstd -t.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    private static T Opening<T>(string path, Func<T> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FedLoraException("data-missing", $"There is no data file at {path}.",
                "Give the path of a file of examples (JSONL, CSV, TSV, Parquet), or of a folder of them.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    private static FedLoraException Unreadable(string path, Exception error) =>
        new("data-missing", $"The data file {path} cannot be read: {error.Message}",
            "Mend its rights, or give the path of another file of examples.", error);
}
