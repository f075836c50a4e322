using System.Xml.Linq;
using FedLora.Tests;

namespace FedLora.Cli.Tests;

/// <summary>The dependency direction of the layout, held against the project files.</summary>
public sealed class ProjectLayoutTests
{
    private static readonly string Root = Fixtures.Repository;

    [Theory]
    [InlineData("server/FedLora.Grains", new[] { "FedLora.Protocol", "FedLora.Server", "FedLora.Training" })]
    [InlineData("client/FedLora.Training", new[] { "FedLora.Protocol", "FedLora.Client" })]
    [InlineData("shared/FedLora.Aggregation", new[] { "FedLora.Protocol", "FedLora.Training", "FedLora.Grains" })]
    [InlineData("shared/FedLora.Privacy", new[] { "FedLora.Protocol", "FedLora.Training", "FedLora.Grains" })]
    public void A_project_never_references_what_depends_on_it(string folder, string[] forbidden)
    {
        var project = XDocument.Load(Path.Combine(Root, folder, Path.GetFileName(folder) + ".csproj"));
        var references = project.Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)).ToArray();
        Assert.Empty(references.Intersect(forbidden));
    }
}
