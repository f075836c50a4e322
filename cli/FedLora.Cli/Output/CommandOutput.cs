using Spectre.Console;

namespace FedLora.Cli.Output;

/// <summary>
/// Where a command writes. Results go to standard output, as a JSON object or as tables; progress and remarks go to standard error,
/// so that <c>--json</c> leaves nothing but the object on standard output.
/// </summary>
public sealed class CommandOutput
{
    private readonly TextWriter _output;

    private readonly PrintedCommands _commands;
    private readonly JsonForm? _form;

    /// <summary>For no command in particular.</summary>
    public CommandOutput(bool json, TextWriter output, TextWriter error)
        : this(json, PrintedCommands.Plain, null, output, error)
    {
    }

    internal CommandOutput(bool json, PrintedCommands commands, JsonForm? form, TextWriter output, TextWriter error)
    {
        Json = json;
        this._output = output;
        this._commands = commands;
        this._form = form;
        Console = Open(output);
        Progress = Open(error);
    }

    /// <summary>Whether <c>--json</c> was given.</summary>
    public bool Json { get; }

    /// <summary>Standard output for people: tables and text; not to be used under <c>--json</c>.</summary>
    public IAnsiConsole Console { get; }

    /// <summary>Standard error: live progress and remarks, with and without <c>--json</c>.</summary>
    public IAnsiConsole Progress { get; }

    /// <summary>Writes the command's result: the value as JSON, or what <paramref name="show"/> makes of it for people.</summary>
    /// <exception cref="InvalidOperationException">The command did not state that it writes such a document: a defect.</exception>
    public void Result<T>(T value, Action<IAnsiConsole> show)
    {
        if (_form is not null && !_form.Results.Contains(typeof(T)))
            throw new InvalidOperationException($"The command does not state that it writes {typeof(T).Name}.");
        if (Json)
            _output.WriteLine(Output.Json.Document(value, oneLine: _form?.IsStream == true));
        else
            show(Console);
    }

    /// <summary>Writes a document as it is, with and without <c>--json</c>: a signature may stand over its bytes.</summary>
    public void Raw(string document) => _output.WriteLine(document);

    private static IAnsiConsole Open(TextWriter writer)
    {
        // Spectre looks at TERM alone, which says nothing of a pipe or a file.
        var destination = new AnsiConsoleOutput(writer);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = destination,
            Ansi = destination.IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = destination.IsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        // A pipe or a file has no width: tables must not be folded as if it were an old terminal.
        if (!destination.IsTerminal)
            console.Profile.Width = 200;
        return console;
    }

    /// <summary>One line for people on standard error.</summary>
    public void Remark(string text) => Progress.WriteLine(_commands.Complete(text));

    /// <summary>A text for people whose commands work as they are printed.</summary>
    public string Complete(string text) => _commands.Complete(text);
}
