using System.Text.RegularExpressions;

namespace FedLora.Cli.Tests.Layout;

public sealed partial class NamespaceTests
{
    // Rooms whose folders do not split their namespace: their types are used together everywhere.
    private static readonly string[] Whole = ["FedLora.Adapters", "FedLora.Aggregation", "FedLora.Compression", "FedLora.Grains"];

    [Fact]
    public void Namespaces_follow_folders()
    {
        var wrong = SourceFiles.All
            .Select(path => (Path: path, Said: Declaration().Match(SourceFiles.Read(path)), Folder: Folder().Match(path)))
            .Where(file => file.Said.Success && file.Folder.Success)
            .Where(file => file.Said.Groups["name"].Value != Expected(file.Folder))
            .Select(file => $"{file.Path}: namespace {file.Said.Groups["name"].Value}");
        Assert.Empty(wrong);
    }

    private static string Expected(Match folder) => Whole.Contains(folder.Groups["project"].Value)
        ? folder.Groups["project"].Value
        : (folder.Groups["project"].Value + folder.Groups["folders"].Value).Replace('/', '.');

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"/(?<project>FedLora\.[\w.]+)(?<folders>(?:/\w+)*)/[^/]+\.cs$")]
    private static partial Regex Folder();
}
