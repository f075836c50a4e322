using FedLora.Tests;

namespace FedLora.Cli.Tests.Layout;

/// <summary>The repository's own C# sources, by paths from its root.</summary>
internal static class SourceFiles
{
    private static readonly string[] Rooms = ["shared", "client", "server", "simulations", "cli", "tests"];

    internal static IReadOnlyList<string> All { get; } =
    [
        .. Rooms.SelectMany(room => Directory.EnumerateFiles(Path.Combine(Fixtures.Repository, room), "*.cs", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Fixtures.Repository, path).Replace('\\', '/'))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    internal static IEnumerable<string> Product => All.Where(path => !path.StartsWith("tests/", StringComparison.Ordinal));

    internal static string Read(string path) => File.ReadAllText(Path.Combine(Fixtures.Repository, path));
}
