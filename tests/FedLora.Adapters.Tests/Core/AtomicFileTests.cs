namespace FedLora.Adapters.Tests.Core;

public sealed class AtomicFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-atomic-");

    [Fact]
    public void What_a_killed_process_left_goes_and_nothing_else()
    {
        var inner = _folder.CreateSubdirectory("inner").FullName;
        // As a write begins, seen while it lasts.
        var left = "";
        AtomicFile.Write(Path.Combine(_folder.FullName, "state.json"), stream =>
        {
            left = Path.GetFileName(Assert.Single(Directory.EnumerateFiles(_folder.FullName)));
            stream.WriteByte(1);
        });
        string[] others = [".hidden", "notes.tmp", ".notes.tmp", $"{Guid.NewGuid():N}.tmp", $"a{left}"];
        foreach (var name in (string[])[left, .. others])
        {
            File.WriteAllText(Path.Combine(_folder.FullName, name), "");
            File.WriteAllText(Path.Combine(inner, name), "");
        }

        AtomicFile.DeleteLeftovers(_folder.FullName);
        Assert.Equal(Sorted([.. others, "state.json"]), Names(_folder.FullName));
        Assert.Contains(left, Names(inner));
        AtomicFile.DeleteLeftovers(_folder.FullName, SearchOption.AllDirectories);
        Assert.Equal(Sorted(others), Names(inner));
        AtomicFile.DeleteLeftovers(Path.Combine(_folder.FullName, "nowhere"));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string[] Names(string folder) => Sorted(Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)!));

    private static string[] Sorted(IEnumerable<string> names) => [.. names.Order(StringComparer.Ordinal)];
}
