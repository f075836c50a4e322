using System.Xml.Linq;
using FedLora.Tests;

namespace FedLora.Cli.Tests.Layout;

/// <summary>Dependencies point one way; held against every project file, so that a new project must say here where it stands.</summary>
public sealed class ProjectReferenceTests
{
    private static readonly string[] Core = ["FedLora.Core"];
    private static readonly string[] Model = [.. Core, "FedLora.Adapters", "FedLora.Aggregation", "FedLora.Compression", "FedLora.Privacy"];
    private static readonly string[] Wire = [.. Model, "FedLora.Federations", "FedLora.Protocol"];
    private static readonly string[] Engine = [.. Model, "FedLora.Federations", "FedLora.Tokenizers", "FedLora.Training"];

    // What each may reference, directly or through others.
    private static readonly Dictionary<string, string[]> Below = new()
    {
        ["FedLora.Core"] = [],
        ["FedLora.Adapters"] = Core,
        ["FedLora.Aggregation"] = [.. Core, "FedLora.Adapters"],
        ["FedLora.Compression"] = [.. Core, "FedLora.Adapters"],
        ["FedLora.Privacy"] = [.. Core, "FedLora.Adapters"],
        ["FedLora.Federations"] = Model,
        ["FedLora.Protocol"] = [.. Model, "FedLora.Federations"],
        ["FedLora.Tokenizers"] = Core,
        ["FedLora.Training"] = [.. Model, "FedLora.Federations", "FedLora.Tokenizers"],
        ["FedLora.Client"] = [.. Wire, .. Engine],
        ["FedLora.SitePage"] = [.. Wire, .. Engine, "FedLora.Client"],
        ["FedLora.Grains"] = [.. Model, "FedLora.Federations"],
        ["FedLora.Server"] = [.. Wire, "FedLora.Grains"],
        ["FedLora.Dashboard"] = [.. Wire, "FedLora.Grains", "FedLora.Server"],
        ["FedLora.Simulations"] = [.. Wire, .. Engine, "FedLora.Client"],
        ["FedLora.Cli"] = [.. Wire, .. Engine, "FedLora.Client", "FedLora.SitePage", "FedLora.Grains", "FedLora.Server",
            "FedLora.Dashboard", "FedLora.Simulations"],
    };

    private static readonly Dictionary<string, string[]> References = Directory
        .EnumerateFiles(Fixtures.Repository, "*.csproj", SearchOption.AllDirectories)
        .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}.build{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
        .ToDictionary(path => Path.GetFileNameWithoutExtension(path), path => XDocument.Load(path).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)).ToArray());

    public static TheoryData<string> Projects => [.. References.Keys.Where(project => !IsTest(project)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_what_lies_below_it(string project)
    {
        Assert.True(Below.ContainsKey(project),
            $"{project} has no place in the layout yet: add it to the table here and to the page of the design");
        Assert.Empty(Reached(project).Except(Below[project]));
    }

    [Fact]
    public void No_project_is_below_itself() =>
        Assert.All(Below, entry => Assert.All(entry.Value, below => Assert.DoesNotContain(entry.Key, Below[below])));

    [Fact]
    public void Every_project_of_the_table_is_there() => Assert.Empty(Below.Keys.Except(References.Keys));

    private static IEnumerable<string> Reached(string project) =>
        References[project].SelectMany(direct => Reached(direct).Prepend(direct)).Distinct();

    private static bool IsTest(string project) => project.EndsWith(".Tests", StringComparison.Ordinal) || project == "FedLora.Benchmarks";
}
