namespace FedLora.Tests;

/// <summary>Reference outputs of other people's code: <c>tests/fixtures</c>, or the folder that <c>FEDLORA_FIXTURES</c> names.</summary>
public static class Fixtures
{
    /// <summary>The root folder of all fixtures.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("FEDLORA_FIXTURES") is { Length: > 0 } named ? Path.GetFullPath(named)
            : Path.Combine(Repository, "tests", "fixtures");

    /// <summary>The repository's root folder.</summary>
    public static string Repository
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FedLora.sln")))
                folder = folder.Parent;
            return folder?.FullName ?? throw new InvalidOperationException("FedLora.sln not found above the test's folder.");
        }
    }

    /// <summary>The sub-folders of a kind of fixture, by name; none where that kind is not there.</summary>
    public static IEnumerable<string> Folders(string kind) => Exists(kind)
        ? Directory.EnumerateDirectories(Path.Combine(Root, kind)).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)
        : [];

    /// <summary>
    /// The files of a kind of fixture that match a pattern, as paths below the kind's folder; none where that kind is not there.
    /// </summary>
    public static IEnumerable<string> Files(string kind, string pattern) => Exists(kind)
        ? Directory.EnumerateFiles(Path.Combine(Root, kind), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Path.Combine(Root, kind), path)).Order(StringComparer.Ordinal)
        : [];

    /// <summary>The full path of something below the root.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static bool Exists(string kind) => Directory.Exists(Path.Combine(Root, kind));
}
