using System.Text.RegularExpressions;

namespace FedLora.Cli.Tests.Layout;

public sealed partial class NamespaceTests
{
    // The page on methods shows it as it would stand in the product.
    private const string Example = "tests/FedLora.Aggregation.Tests/Example/HalfStep.cs";

    // Rooms whose folders need not split their namespace: their types are used together everywhere.
    private static readonly string[] Whole = ["FedLora.Adapters", "FedLora.Aggregation", "FedLora.Compression"];

    [Fact]
    public void Namespaces_follow_folders()
    {
        var wrong = SourceFiles.All
            .Select(path => (Path: path, Said: Declaration().Match(SourceFiles.Read(path)), Folder: Folder().Match(path)))
            .Where(file => file.Said.Success && file.Folder.Success)
            .Where(file => !Follows(file.Said.Groups["name"].Value, file.Folder) && file.Path != Example)
            .Select(file => $"{file.Path}: namespace {file.Said.Groups["name"].Value}");
        Assert.Empty(wrong);
    }

    private static bool Follows(string name, Match folder)
    {
        var project = folder.Groups["project"].Value;
        return name == (project + folder.Groups["folders"].Value).Replace('/', '.') || (name == project && Whole.Contains(project));
    }

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"/(?<project>FedLora\.[\w.]+)(?<folders>(?:/\w+)*)/[^/]+\.cs$")]
    private static partial Regex Folder();
}
