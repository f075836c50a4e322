using System.Buffers.Binary;
using FedLora.Training.Data.Images;

namespace FedLora.Training.Data.Formats;

/// <summary>
/// MNIST's IDX files: a file of grey images of bytes (<c>train-images-idx3-ubyte</c>) and, beside it, one of their labels
/// (<c>train-labels-idx1-ubyte</c>), each packed or not. Known by their names.
/// </summary>
internal static class IdxRows
{
    private const string ImagesMark = "idx3-ubyte";
    private const string LabelsMark = "idx1-ubyte";
    private const int ImagesMagic = 0x0803;
    private const int LabelsMagic = 0x0801;

    public static bool IsImages(string path) => Path.GetFileName(path).Contains(ImagesMark, StringComparison.Ordinal);

    public static bool IsLabels(string path) => Path.GetFileName(path).Contains(LabelsMark, StringComparison.Ordinal);

    /// <summary>The file with the labels of a file of images.</summary>
    /// <exception cref="FedLoraException"><c>data-missing</c>.</exception>
    public static string LabelsOf(string images)
    {
        var name = Path.GetFileName(images).Replace(ImagesMark, LabelsMark, StringComparison.Ordinal)
            .Replace("images", "labels", StringComparison.Ordinal);
        var bare = name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3] : name;
        var folder = Path.GetDirectoryName(images) ?? "";
        return new[] { name, bare, $"{bare}.gz" }.Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
            ?? throw new FedLoraException("data-missing", $"The labels of {images} are missing: there is no {name} beside it.",
                "Put the file with the labels, which comes with the images, into the same folder.");
    }

    /// <summary>A row for every image, its label a number.</summary>
    /// <param name="path">The file of the images.</param>
    /// <param name="images">What it holds, unpacked.</param>
    /// <param name="labels">What the file of the labels holds, unpacked.</param>
    /// <param name="budget">How much it may come to.</param>
    public static IEnumerable<DataLine> Read(string path, Stream images, Stream labels, DataBudget budget)
    {
        var (size, count) = (Head(path, images, ImagesMagic, 3), Head(path, labels, LabelsMagic, 1)[0]);
        if (size[0] != count)
            throw Bad(path, $"has {size[0]} images, and {count} labels are beside it");
        var (height, width) = (size[1], size[2]);
        if (height < 1 || width < 1 || (long)height * width > DataLimits.LargestLine / 2)
            throw Bad(path, $"has images of {width} x {height} pixels");
        var pixels = new byte[height * width];
        for (var number = 1; number <= count; number++)
        {
            budget.Spend(pixels.Length);
            images.ReadExactly(pixels);
            var label = labels.ReadByte();
            if (label < 0)
                throw new EndOfStreamException();
            using var row = new JsonRow();
            row.Add("image", Convert.ToBase64String(Netpbm.Grey(width, height, pixels)));
            row.Add("label", (long)label);
            yield return row.ToLine(path, number);
        }
    }

    private static int[] Head(string path, Stream file, int magic, int dimensions)
    {
        var head = new byte[4 * (dimensions + 1)];
        file.ReadExactly(head);
        int[] numbers = [.. Enumerable.Range(0, dimensions + 1).Select(i => BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4 * i)))];
        return numbers[0] == magic && numbers[1] >= 0 ? numbers[1..]
            : throw Bad(path, $"or its file of labels is not what its name says: it does not begin with {magic:x8}");
    }

    private static FedLoraException Bad(string path, string what) =>
        new("data-invalid", $"{path} {what}.", "Copy the two files again, of the same set, and name them as MNIST's are.");
}
