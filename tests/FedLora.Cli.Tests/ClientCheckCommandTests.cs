using System.Text.Json;
using FedLora.Tests;

namespace FedLora.Cli.Tests;

/// <summary><c>fedlora client check</c>: what stands in a site's way, without a coordinator to ask.</summary>
public sealed class ClientCheckCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-check-");

    [Fact]
    public async Task Each_part_says_for_itself_whether_it_is_ready()
    {
        var data = Path.Combine(_folder.FullName, "data.jsonl");
        await File.WriteAllTextAsync(data, """{"text":"a letter","label":"ham"}""" + "\n", TestContext.Current.CancellationToken);
        var token = Path.Combine(_folder.FullName, "token");
        await File.WriteAllTextAsync(token, new string('0', 64), TestContext.Current.CancellationToken);
        // Nothing listens on the first port (tcpmux, RFC 1078).
        string[] site = ["--coordinator", "http://127.0.0.1:1", "--data", data, "--state", Path.Combine(_folder.FullName, "node")];
        var findings = await CheckAsync([.. site, "--model", Path.Combine(_folder.FullName, "none"), "--token-file", token]);
        Assert.Equal(["data", "model", "policy", "memory", "budget", "folder", "disk", "coordinator"],
            findings.Select(finding => finding.Part));
        Assert.Equal((true, false, false), (findings[0].Ready, findings[1].Ready, findings[^1].Ready));
        Assert.Contains("1 examples", findings[0].Says, StringComparison.Ordinal);
        Assert.Contains("refuses the connection", findings[^1].Says, StringComparison.Ordinal);
        var model = Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder");
        findings = await CheckAsync([.. site, "--model", model]);
        Assert.True(findings[1].Ready, findings[1].Says);
        Assert.Contains("has no join token", findings[^1].Says, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder.FullName, "node")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<List<(string Part, bool Ready, string Says)>> CheckAsync(string[] arguments)
    {
        using var output = new StringWriter();
        Assert.Equal(1, await CommandLine.RunAsync(["client", "check", .. arguments, "--json"], output, TextWriter.Null,
            TestContext.Current.CancellationToken));
        using var document = JsonDocument.Parse(output.ToString());
        Assert.False(document.RootElement.GetProperty("ready").GetBoolean());
        return [.. document.RootElement.GetProperty("findings").EnumerateArray().Select(finding =>
            (finding.GetProperty("part").GetString()!, finding.GetProperty("ready").GetBoolean(),
                finding.GetProperty("says").GetString()!))];
    }
}
