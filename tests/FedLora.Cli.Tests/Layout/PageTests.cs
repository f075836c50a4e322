using System.Text.RegularExpressions;
using FedLora.Tests;

namespace FedLora.Cli.Tests.Layout;

public sealed partial class PageTests
{
    public static TheoryData<string> Pages =>
    [
        .. Directory.EnumerateFiles(Fixtures.Repository, "*.md")
            .Concat(Directory.EnumerateFiles(Path.Combine(Fixtures.Repository, "docs"), "*.md", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Fixtures.Repository, path)).Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void What_a_page_names_is_there(string page)
    {
        var text = File.ReadAllText(Path.Combine(Fixtures.Repository, page));
        var folder = Path.GetDirectoryName(Path.Combine(Fixtures.Repository, page))!;
        var paths = Named().Matches(text).Select(match => Path.Combine(Fixtures.Repository, match.Groups["path"].Value))
            .Concat(Linked().Matches(text).Select(match => Path.Combine(folder, match.Groups["path"].Value)));
        Assert.DoesNotContain(paths, path => !Path.Exists(path));
    }

    // Paths of the repository in backquotes, and links that are no addresses.
    [GeneratedRegex(@"`(?<path>(?:shared|client|server|simulations|cli|tests|docs|proto|findings)/[\w./-]+)`")]
    private static partial Regex Named();

    [GeneratedRegex(@"\]\((?!\w+:|#)(?<path>[^)#]+)")]
    private static partial Regex Linked();
}
