using FedLora.Cli.Output;
using Spectre.Console;

namespace FedLora.Cli.Tests;

/// <summary>What commands write where nobody looks at it on a terminal.</summary>
public sealed class CommandOutputTests
{
    [Fact]
    public void A_file_gets_no_colour_codes_whatever_the_terminal_is_called()
    {
        var before = Environment.GetEnvironmentVariable("TERM");
        Environment.SetEnvironmentVariable("TERM", "xterm-256color");
        try
        {
            var (file, errors) = (new StringWriter(), new StringWriter());
            var output = new CommandOutput(json: false, file, errors);
            output.Console.MarkupLine("[bold red]result[/]");
            output.Progress.MarkupLine("[bold red]progress[/]");
            Assert.Equal(("result\n", "progress\n"), (file.ToString(), errors.ToString()));
        }
        finally
        {
            Environment.SetEnvironmentVariable("TERM", before);
        }
    }
}
