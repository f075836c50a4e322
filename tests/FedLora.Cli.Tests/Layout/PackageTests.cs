using System.Text.RegularExpressions;
using System.Xml.Linq;
using FedLora.Tests;

namespace FedLora.Cli.Tests.Layout;

/// <summary>A version that is pinned for nobody goes stale unseen.</summary>
public sealed partial class PackageTests
{
    private static readonly string[] References =
    [
        .. ((string[])["*.csproj", "*.props", "*.targets"])
            .SelectMany(kind => Directory.EnumerateFiles(Fixtures.Repository, kind, SearchOption.AllDirectories))
            .Where(path => !Generated().IsMatch(path))
            .SelectMany(path => XDocument.Load(path).Descendants("PackageReference"))
            .Select(reference => reference.Attribute("Include")!.Value),
    ];

    public static TheoryData<string> Pins =>
    [
        .. XDocument.Load(Path.Combine(Fixtures.Repository, "Directory.Packages.props")).Descendants("PackageVersion")
            .Select(pin => pin.Attribute("Include")!.Value),
    ];

    [Theory]
    [MemberData(nameof(Pins))]
    public void Every_pinned_package_is_referenced(string package) =>
        Assert.Contains(References,
            reference => Regex.IsMatch(package, $"^{Property().Replace(Regex.Escape(reference), @"[\w-]+")}$", RegexOptions.IgnoreCase));

    [GeneratedRegex(@"[/\\](?:obj|bin|\.build|node_modules)[/\\]")]
    private static partial Regex Generated();

    // $(Name), escaped.
    [GeneratedRegex(@"\\\$\\\(\w+\\\)")]
    private static partial Regex Property();
}
