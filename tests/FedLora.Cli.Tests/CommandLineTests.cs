using System.Text.Json;

namespace FedLora.Cli.Tests;

/// <summary>The contract of the program: exit codes, one-line errors, errors as JSON, help that teaches.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public async Task An_unknown_command_is_wrong_usage_and_one_line()
    {
        var (exit, output, error) = await RunAsync("frobnicate");
        Assert.Equal(2, exit);
        Assert.Empty(output);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains("frobnicate", error);
        Assert.Contains("--help", error);
    }

    [Fact]
    public async Task Under_json_an_error_is_an_object_on_standard_output()
    {
        var (exit, output, error) = await RunAsync("frobnicate", "--json");
        Assert.Equal(2, exit);
        Assert.Empty(error);
        var body = JsonDocument.Parse(output).RootElement.GetProperty("error");
        Assert.Equal("usage", body.GetProperty("code").GetString());
        Assert.NotEmpty(body.GetProperty("message").GetString()!);
        Assert.NotEmpty(body.GetProperty("hint").GetString()!);
    }

    [Fact]
    public async Task Help_lists_the_commands()
    {
        var (exit, output, _) = await RunAsync("--help");
        Assert.Equal(0, exit);
        Assert.Contains("bench", output);
        Assert.Contains("--json", output);
    }

    private static async Task<(int Exit, string Output, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await CommandLine.RunAsync(args, output, error, CancellationToken.None);
        return (exit, output.ToString(), error.ToString());
    }
}
