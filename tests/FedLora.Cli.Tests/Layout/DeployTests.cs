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
            if (words is ["install", ..])
                continue; // Coreutils': a pod's files are put in their places before it starts.
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

    /// <summary>Commands in comments, scripts and the page, and what a container starts: each is run by somebody who reads it.</summary>
    [Fact]
    public void Every_command_that_is_named_has_its_options()
    {
        var found = Named(Commands())
            .Concat(Named(Started()).Select(start => start with
            {
                Words = start.Words.Replace("\"", "", StringComparison.Ordinal).Replace(',', ' '),
            }))
            .ToList();
        Assert.True(found.Count >= 10, "the pattern no longer finds them");
        Assert.All(found, command => RequireParses(command.Path, command.Words));
    }

    /// <summary>What environment files and the page put behind the units' own options.</summary>
    [Fact]
    public void Options_in_environment_files_are_those_of_the_program_that_the_unit_starts()
    {
        var found = Named(Arguments()).Where(setting => setting.Words.Trim().Length > 0).ToList();
        Assert.True(found.Count >= 4, "the pattern no longer finds them");
        Assert.All(found, setting => RequireParses(setting.Path, (setting.Path.EndsWith("node.env", StringComparison.Ordinal)
            ? "client --config site.yaml " : "server --data x ") + setting.Words));
    }

    [Fact]
    public void Variables_and_a_sites_keys_are_those_that_the_program_reads()
    {
        var sources = string.Concat(SourceFiles.Product.Select(SourceFiles.Read));
        var named = Files.SelectMany(path => Variable().Matches(File.ReadAllText(path)).Select(match => match.Value)).Distinct()
            .Where(name => name != "FEDLORA_ARGS").ToList();
        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains($"\"{name}\"", sources, StringComparison.Ordinal));
        using var scratch = new Scratch();
        // With the keys that are commented out.
        var site = CommentedKey().Replace(File.ReadAllText(Path.Combine(Folder, "systemd", "site.yaml")), "");
        Assert.NotNull(FedLora.Client.Hosting.ClientConfigFile.Load(scratch.File("site.yaml", site)).Policy);
    }

    [Theory]
    [InlineData("server", "9", "dirty_decay_ms:0,")]
    [InlineData("client", "", "dirty_decay_ms:-1,")]
    public async Task The_start_script_sets_what_must_stand_before_the_program_starts(string command, string conserve, string decay)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the packages are Linux's");
        if (!OperatingSystem.IsLinux())
            return;
        using var scratch = new Scratch();
        var script = scratch.File("fedlora", await RunAsync("bash", Path.Combine(Folder, "package"), "--launcher"));
        Directory.CreateDirectory(scratch["program"]);
        var program = scratch.File(Path.Combine("program", "fedlora"),
            "#!/bin/sh\necho \"$GLIBC_TUNABLES|$GOMP_SPINCOUNT|$DOTNET_GCConserveMemory|$LD_PRELOAD|$MALLOC_CONF|$*\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var said = (await RunAsync("sh", script, command, "--x")).Trim().Split('|');
        Assert.StartsWith("glibc.malloc.", said[0], StringComparison.Ordinal);
        Assert.Equal("10000", said[1]);
        Assert.Equal(conserve, said[2]);
        var machine = RuntimeInformation.OSArchitecture == Architecture.X64 ? "x86_64" : "aarch64";
        var allocator = $"/usr/lib/{machine}-linux-gnu/libjemalloc.so.2";
        Assert.Equal(File.Exists(allocator) ? allocator : "", said[3]);
        if (File.Exists(allocator))
            Assert.Contains(decay, said[4], StringComparison.Ordinal);
        Assert.Equal($"{command} --x", said[5]);
    }

    private static IReadOnlyList<string> Files =>
        [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Where(path => Path.GetExtension(path) != ".json")];

    // With lines that go on put together, and something in the place of what a shell puts in.
    private static IEnumerable<(string Path, string Words)> Named(Regex pattern) => Files.SelectMany(path => pattern
        .Matches(Put().Replace(File.ReadAllText(path).Replace("\\\n", " ", StringComparison.Ordinal), "x"))
        .Select(match => (path, match.Groups["words"].Value)));

    private static void RequireParses(string path, string line)
    {
        var words = Word().Matches(line).Select(word => word.Value.Trim('\'')).ToArray();
        var parsed = FedLora.Cli.Commands.FedLoraCommand.Root.Parse(words);
        Assert.True(parsed.Errors.Count == 0, $"{path}: '{line}': {string.Join("; ", parsed.Errors.Select(error => error.Message))}");
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

    // The scripts call it by a variable.
    [GeneratedRegex(
        @"(?<![\w/.-])(?:fedlora|x) (?<words>(?:server|client|admin|evaluate|generate) [^""`;()|&\n]*?)(?= *\d?>| *[""`;()|&\n])",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Commands();

    [GeneratedRegex(@"^CMD \[(?<words>[^\]]*)\]", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Started();

    [GeneratedRegex(@"FEDLORA_ARGS=(?<words>[^,#`\n]*)", RegexOptions.ExplicitCapture)]
    private static partial Regex Arguments();

    [GeneratedRegex("FEDLORA_[A-Z_]+")]
    private static partial Regex Variable();

    [GeneratedRegex("^# (?=[a-z_]+:)", RegexOptions.Multiline)]
    private static partial Regex CommentedKey();

    [GeneratedRegex(@"""?\$(?:\([A-Z_]+\)|[A-Za-z_]+)(?:/[\w./-]+)?""?")]
    private static partial Regex Put();

    [GeneratedRegex(@"'[^']*'|\S+")]
    private static partial Regex Word();

    [GeneratedRegex(@"^ExecStart=(?<program>\S+) (?<words>.*)$", RegexOptions.Multiline)]
    private static partial Regex Start();
}
