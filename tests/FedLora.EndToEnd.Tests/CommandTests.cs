using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
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
        (string,
            string)[] proxies = [.. new[]
            {
                "http_proxy",
                "https_proxy",
                "all_proxy",
                "HTTP_PROXY",
                "HTTPS_PROXY",
                "ALL_PROXY",
            }.Select(name => (name, "http://127.0.0.1:1"))];
        var (code, _, errors) = await Programs.RunAsync(["admin", "--data", coordinator.Data, "node", "list", "--json"], proxies);
        Assert.True(code == 0, errors);
    }

    /// <summary>
    /// Copied from the screen the hints failed: they named no coordinator. Here a shell runs each as it stands, with a data folder that
    /// needs quoting.
    /// </summary>
    [Fact]
    public async Task Every_hint_that_is_printed_works_as_printed()
    {
        var data = Directory.CreateDirectory(
            Path.Combine(Directory.CreateTempSubdirectory("fedlora-e2e-").FullName, "our coordinator")).FullName;
        await using var coordinator = await CoordinatorProcess.StartAsync(data);
        using var sites = new RealSites();
        var file = sites.Keep("mail.yaml", """
            name: mail
            method: fedit
            rounds: 2
            task: { kind: classification, labels: [ham, spam] }
            lora: { rank: 2, alpha: 2, target_modules: [query] }
            training: { local_steps: 1, batch_size: 2, max_tokens: 16 }
            """);
        string[] admin = ["admin", "--data", data];
        var said = new List<string>();
        foreach (var arguments in new string[][]
        {
            [.. admin, "federation", "create", "-f", file, "--model", RealSites.Model],
            [.. admin, "federation", "show", "male"],
            [.. admin, "export", "mail", "--out", Path.Combine(data, "adapter")],
            [.. admin, "node", "revoke", "nobody"],
            [.. admin, "federation", "stop", "mail"],
            [.. admin, "federation", "pause", "mail"],
            ["export", "mail"],
            [.. admin, "federation", "shwo", "mail"],
        })
        {
            var (_, output, errors) = await Programs.RunAsync(arguments);
            said.Add(output + errors);
        }

        var hints = said.SelectMany(text => text.Split('\n'))
            .SelectMany(line => Regex.Matches(line, "fedlora admin (?:'[^']*'|[^;,'])*").Select(match => match.Value.TrimEnd(' ', '.')))
            .Distinct().ToList();
        Assert.True(hints.Count >= 5, string.Join('\n', said));
        Assert.Contains(hints, hint => hint.Contains($"--data '{data}' federation start mail", StringComparison.Ordinal));
        // Not in the order of the alphabet: what is started must be there still.
        foreach (var hint in hints)
        {
            using var shell = Process.Start(
                new ProcessStartInfo("sh", ["-c", $"fedlora() {{ dotnet exec '{Programs.Program}' \"$@\"; }}; {hint}"])
                {
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
            var (output, errors) = (shell.StandardOutput.ReadToEndAsync(), shell.StandardError.ReadToEndAsync());
            await shell.WaitForExitAsync().WaitAsync(Limits.Step);
            // It was stopped meanwhile: then that is what the hint says.
            Assert.True(
                shell.ExitCode == 0
                    || (hint.EndsWith("start mail", StringComparison.Ordinal)
                        && (await errors).Contains("is stopped", StringComparison.Ordinal)), $"{hint}: {await output}{await errors}");
        }
    }

    [Fact]
    public async Task Watching_that_is_interrupted_does_not_say_start_again_and_under_json_every_line_is_a_document()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var sites = new RealSites();
        using var federation = await sites.CreateAsync(coordinator, rounds: 1, steps: 1, quorum: 1, deadlineSeconds: 600);
        using var watch = new RunningProgram(["admin", "--data", coordinator.Data, "federation", "watch", "mail"]);
        await watch.SaidAsync("mail (fedit): running");
        Assert.Equal(130, await watch.EndAsync("INT"));
        Assert.Contains(
            $"no longer watching; the federation goes on. How it stands: fedlora admin --data {coordinator.Data} federation show mail",
            watch.LastLine, StringComparison.Ordinal);
        var (code, output, _) = await Programs.RunAsync("admin", "--data", coordinator.Data, "federation", "stop", "mail", "--json");
        Assert.Equal(0, code);
        using var stopped = JsonDocument.Parse(output);
        Assert.Equal((1, "stopped", "fedit"),
            (stopped.RootElement.GetProperty("version").GetInt32(), stopped.RootElement.GetProperty("state").GetString(),
                stopped.RootElement.GetProperty("settings").GetProperty("method").GetString()));
        var (ended, lines, _) = await Programs.RunAsync("admin", "--data", coordinator.Data, "federation", "watch", "mail", "--json");
        Assert.Equal(0, ended);
        Assert.All(lines.TrimEnd().Split('\n'), line =>
        {
            using var document = JsonDocument.Parse(line);
            Assert.Equal("mail", document.RootElement.GetProperty("name").GetString());
        });
    }

    [Fact]
    public async Task A_name_that_is_misspelt_is_offered_the_nearest()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var sites = new RealSites();
        using var federation = await sites.CreateAsync(coordinator, rounds: 1, steps: 1, quorum: 1, deadlineSeconds: 600);
        string[] admin = ["admin", "--data", coordinator.Data];
        foreach (string[] words in new string[][]
        {
            ["federation", "show", "mial"], ["federation", "watch", "mails"], ["federation", "pause", "Mail"],
            ["federation", "delete", "mai"], ["export", "mial", "--out", Path.Combine(coordinator.Data, "out")],
            ["replay", "mial", "--round", "1"],
        })
        {
            var (exit, _, errors) = await Programs.RunAsync([.. admin, .. words]);
            Assert.Equal(1, exit);
            Assert.Contains($"'{words[words[0] == "federation" ? 2 : 1]}'; did you mean 'mail'?", errors, StringComparison.Ordinal);
        }
        await FailsAsync("federation-unknown", [.. admin, "federation", "show", "other"]);
        Assert.DoesNotContain("mean", (await Programs.RunAsync([.. admin, "federation", "show", "other"])).Item3, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("libtorch_cpu.so", "no library")]
    [InlineData("libtorch_cpu.so", "")]
    public async Task A_LIBTORCH_that_names_no_libtorch(string? file, string? content)
    {
        var model = Fixtures.Files("models", "config.json").Select(path => Path.GetDirectoryName(Fixtures.PathOf("models", path)))
            .FirstOrDefault();
        Assert.SkipUnless(model is not null && OperatingSystem.IsLinux(),
            "no model among the fixtures, or another system's names of libraries");
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
