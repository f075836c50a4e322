using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using FedLora.Benchmarks;
using FedLora.Cli.Commands;
using FedLora.Cli.Processes;

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

    [Fact]
    public async Task Help_of_every_command_shows_an_example()
    {
        foreach (var command in Leaves(FedLoraCommand.Root).Where(command => command.Name != "bench")
            .Concat(Leaves(BenchCommand.Root)))
        {
            var path = command.Path().ToList();
            Assert.True(Examples.Of(string.Join(' ', path)).Any(), $"'{string.Join(' ', path)}' has no example in Examples.All");
            var (exit, output, _) = await RunAsync([.. path, "--help"]);
            Assert.Equal(0, exit);
            Assert.Contains(Examples.Of(string.Join(' ', path)).First(), output);
        }
    }

    [Fact]
    public void Every_example_is_a_command_line_that_parses()
    {
        Assert.All(Examples.All, example =>
        {
            var parsed = Program(example.Split(' ')[1]).Parse(CommandLineParser.SplitCommandLine(example).Skip(1).ToArray());
            Assert.Empty(parsed.Errors);
            Assert.Contains(example, Examples.Of(string.Join(' ', parsed.CommandResult.Command.Path())));
        });
    }

    [Fact]
    public void Many_read_the_tree_at_once() => Parallel.For(0, 200, number =>
    {
        var example = Examples.All[number % Examples.All.Count];
        Assert.Empty(Program(example.Split(' ')[1]).Parse(CommandLineParser.SplitCommandLine(example).Skip(1).ToArray()).Errors);
    });

    // The benchmarks are a program of their own, to which the words after "bench" are handed on.
    private static Command Program(string? command) => command == "bench" ? BenchCommand.Root : FedLoraCommand.Root;

    private static IEnumerable<Command> Leaves(Command command) => command.Hidden ? []
        : command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Leaves);

    [Fact]
    public void Without_sources_bench_says_where_the_benchmarks_are()
    {
        var installed = Directory.CreateTempSubdirectory();
        try
        {
            var error = Assert.Throws<FedLoraException>(() => BenchmarkProgram.Find(installed.FullName));
            Assert.Equal("bench-missing", error.Code);
            Assert.Contains(installed.FullName, error.Message);
        }
        finally
        {
            installed.Delete();
        }
    }

    private static async Task<(int Exit, string Output, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await CommandLine.RunAsync(() => Program(args.FirstOrDefault()), args, output, error, CancellationToken.None);
        return (exit, output.ToString(), error.ToString());
    }
}
