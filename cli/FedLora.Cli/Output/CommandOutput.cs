using Spectre.Console;

namespace FedLora.Cli.Output;

/// <summary>
/// Where a command writes. Results go to standard output, as one JSON object or as tables; progress and remarks go to standard error,
/// so that <c>--json</c> leaves nothing but the object on standard output.
/// </summary>
public sealed class CommandOutput
{
    private readonly TextWriter output;

    public CommandOutput(bool json, TextWriter output, TextWriter error)
    {
        Json = json;
        this.output = output;
        Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        Progress = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
    }

    /// <summary>Whether <c>--json</c> was given.</summary>
    public bool Json { get; }

    /// <summary>Standard output for people: tables and text; not to be used under <c>--json</c>.</summary>
    public IAnsiConsole Console { get; }

    /// <summary>Standard error: live progress and remarks, with and without <c>--json</c>.</summary>
    public IAnsiConsole Progress { get; }

    /// <summary>Writes the command's result: the value as JSON, or what <paramref name="show"/> makes of it for people.</summary>
    public void Result<T>(T value, Action<IAnsiConsole> show)
    {
        if (Json)
            output.WriteLine(Output.Json.Write(value));
        else
            show(Console);
    }

    /// <summary>One line for people on standard error.</summary>
    public void Remark(string text) => Progress.WriteLine(text);
}
