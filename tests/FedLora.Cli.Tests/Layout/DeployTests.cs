using System.Diagnostics;
using System.Runtime.InteropServices;
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

    [Theory]
    [InlineData("server", "7", false)]
    [InlineData("client", "", true)]
    public async Task The_start_script_sets_what_must_stand_before_the_program_starts(string command, string conserve, bool computes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the packages are Linux's");
        if (!OperatingSystem.IsLinux())
            return;
        using var scratch = new Scratch();
        var script = scratch.File("fedlora", await RunAsync("bash", Path.Combine(Folder, "package"), "--launcher"));
        Directory.CreateDirectory(scratch["program"]);
        var program = scratch.File(Path.Combine("program", "fedlora"),
            "#!/bin/sh\necho \"$GLIBC_TUNABLES|$GOMP_SPINCOUNT|$DOTNET_GCConserveMemory|$LD_PRELOAD|$*\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var said = (await RunAsync("sh", script, command, "--x")).Trim().Split('|');
        Assert.StartsWith("glibc.malloc.", said[0], StringComparison.Ordinal);
        Assert.Equal("10000", said[1]);
        Assert.Equal(conserve, said[2]);
        var machine = RuntimeInformation.OSArchitecture == Architecture.X64 ? "x86_64" : "aarch64";
        var allocator = $"/usr/lib/{machine}-linux-gnu/libjemalloc.so.2";
        Assert.Equal(computes && File.Exists(allocator) ? allocator : "", said[3]);
        Assert.Equal($"{command} --x", said[4]);
    }

    private static async Task<string> RunAsync(params string[] words)
    {
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var set in (string[])["GLIBC_TUNABLES", "GOMP_SPINCOUNT", "DOTNET_GCConserveMemory", "LD_PRELOAD", "MALLOC_CONF"])
            start.Environment.Remove(set);
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        return said;
    }

    [GeneratedRegex(@"^ExecStart=(?<program>\S+) (?<words>.*)$", RegexOptions.Multiline)]
    private static partial Regex Start();
}
