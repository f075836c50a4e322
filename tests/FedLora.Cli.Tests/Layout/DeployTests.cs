using System.Text.RegularExpressions;
using FedLora.Tests;
using YamlDotNet.RepresentationModel;

namespace FedLora.Cli.Tests.Layout;

/// <summary>What lies in deploy/ names commands and options that the program has, and says where it must not let go.</summary>
public sealed partial class DeployTests
{
    private static readonly string Folder = Path.Combine(Fixtures.Repository, "deploy");

    public static TheoryData<string> Manifests =>
        [.. Directory.EnumerateFiles(Folder, "*.yaml", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Folder, path))
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void A_manifest_is_YAML_and_its_arguments_parse(string manifest)
    {
        var stream = new YamlStream();
        using var text = File.OpenText(Path.Combine(Folder, manifest));
        stream.Load(text);
        foreach (var arguments in stream.Documents.SelectMany(document => document.AllNodes).OfType<YamlMappingNode>()
            .SelectMany(node => node.Children).Where(pair => pair.Key.ToString() is "args" or "command").Select(pair => pair.Value)
                .OfType<YamlSequenceNode>())
        {
            var words = arguments.Children.Select(word => word.ToString()).SkipWhile(word => word == "fedlora").ToArray();
            Assert.Empty(FedLora.Cli.Commands.FedLoraCommand.Root.Parse(words).Errors);
        }
    }

    [Theory]
    [InlineData("coordinator")]
    [InlineData("node")]
    public void A_unit_starts_what_the_package_installs_and_lets_it_compile(string kind)
    {
        var unit = File.ReadAllText(Path.Combine(Folder, "systemd", $"fedlora-{kind}.service"));
        var start = Start().Match(unit);
        Assert.Equal($"/usr/lib/fedlora-{kind}/fedlora", start.Groups["program"].Value);
        var words = start.Groups["words"].Value.Replace("$FEDLORA_ARGS", "", StringComparison.Ordinal)
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(FedLora.Cli.Commands.FedLoraCommand.Root.Parse(words).Errors);
        // The runtime compiles while it runs.
        Assert.DoesNotContain("\nMemoryDenyWriteExecute", unit, StringComparison.Ordinal);
        Assert.Contains("Type=notify", unit, StringComparison.Ordinal);
        Assert.Contains("NoNewPrivileges=yes", unit, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^ExecStart=(?<program>\S+) (?<words>.*)$", RegexOptions.Multiline)]
    private static partial Regex Start();
}
