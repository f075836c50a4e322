using FedLora.Training.Data.Images;

namespace FedLora.Training.Data.Formats;

/// <summary>A folder with a folder for each class, and the class's images in it.</summary>
internal static class ImageFolder
{
    public static bool IsImage(string file) => ImageFile.Endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    /// <summary>Its images, by class and name; none where it is no such folder.</summary>
    public static IEnumerable<string> FilesOf(string folder) => Directory.EnumerateDirectories(folder).Where(IsSeen)
        .Order(StringComparer.Ordinal)
        .SelectMany(of => Directory.EnumerateFiles(of).Where(file => IsSeen(file) && IsImage(file)).Order(StringComparer.Ordinal));

    /// <summary>An image's row.</summary>
    public static DataLine Read(string path, byte[] file)
    {
        using var row = new JsonRow();
        row.Add("image", Convert.ToBase64String(file));
        row.Add("label", Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))));
        return row.ToLine(path, 1);
    }

    private static bool IsSeen(string path) => !Path.GetFileName(path).StartsWith('.');
}
