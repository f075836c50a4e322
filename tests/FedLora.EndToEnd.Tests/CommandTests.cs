using System.Text.Json;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>What goes wrong between processes is one clear line and exit code 1.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task A_port_in_use()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        var data = Directory.CreateTempSubdirectory("fedlora-e2e-").FullName;
        await FailsAsync("port-in-use", "server", "--data", data, "--listen", coordinator.Url);
        Directory.Delete(data, recursive: true);
    }

    [Fact]
    public async Task A_data_folder_that_another_coordinator_uses()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        await FailsAsync("data-locked", "server", "--data", coordinator.Data, "--listen", "http://127.0.0.1:0");
    }

    [Fact]
    public async Task A_coordinator_that_is_not_there()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        await coordinator.KillAsync();
        await FailsAsync("coordinator-unreachable", "admin", "--data", coordinator.Data, "federation", "list");
    }

    [Fact]
    public async Task Nothing_on_loopback_goes_through_the_proxy_that_the_environment_names()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        // Nothing listens there: whoever asks it fails.
        (string, string)[] proxies = [.. new[] { "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY" }.Select(name => (name, "http://127.0.0.1:1"))];
        var (code, _, errors) = await Programs.RunAsync(["admin", "--data", coordinator.Data, "node", "list", "--json"], proxies);
        Assert.True(code == 0, errors);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("libtorch_cpu.so", "no library")]
    [InlineData("libtorch_cpu.so", "")]
    public async Task A_LIBTORCH_that_names_no_libtorch(string? file, string? content)
    {
        var model = Fixtures.Files("models", "config.json").Select(path => Path.GetDirectoryName(Fixtures.PathOf("models", path))).FirstOrDefault();
        Assert.SkipUnless(model is not null && OperatingSystem.IsLinux(), "no model among the fixtures, or another system's names of libraries");
        var folder = Directory.CreateTempSubdirectory("fedlora-e2e-").FullName;
        var data = Path.Combine(folder, "data.jsonl");
        await File.WriteAllTextAsync(data, """{"text":"one line"}""");
        if (file is not null)
            await File.WriteAllTextAsync(Path.Combine(folder, file), content);
        await FailsAsync([("LIBTORCH", folder)], "libtorch-missing", "evaluate", "--model", model!, "--data", data);
        Directory.Delete(folder, recursive: true);
    }

    private static Task FailsAsync(string code, params string[] arguments) => FailsAsync([], code, arguments);

    private static async Task FailsAsync((string, string)[] environment, string code, params string[] arguments)
    {
        var (exit, _, errors) = await Programs.RunAsync(arguments, environment);
        Assert.Equal(1, exit);
        Assert.Single(errors.TrimEnd().Split('\n'));
        var (jsonExit, output, jsonErrors) = await Programs.RunAsync([.. arguments, "--json"], environment);
        Assert.Equal(1, jsonExit);
        using var json = JsonDocument.Parse(output.Length > 0 ? output : jsonErrors);
        var error = json.RootElement.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("hint").GetString()!);
    }
}
