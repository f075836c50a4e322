using System.CommandLine;
using System.CommandLine.Parsing;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Grains;

namespace FedLora.Cli;

/// <summary>The program: parses, runs one command, and turns what went wrong into one line and an exit code.</summary>
public static class CommandLine
{
    /// <summary>Set this variable to see where an error came from.</summary>
    private const string TraceVariable = "FEDLORA_TRACE";

    /// <summary>Runs the program.</summary>
    /// <param name="args">The words after <c>fedlora</c>.</param>
    /// <param name="output">Results, and under <c>--json</c> errors too.</param>
    /// <param name="error">Progress and errors.</param>
    /// <param name="cancellationToken">Ends the command as Ctrl-C does.</param>
    /// <returns>0 success, 1 failure, 2 wrong usage, 130 interrupted.</returns>
    public static Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter error,
        CancellationToken cancellationToken) =>
            RunAsync(() => FedLoraCommand.Root, args, output, error, cancellationToken);

    /// <summary>Runs another tree of commands in the same way.</summary>
    /// <inheritdoc cref="RunAsync(IReadOnlyList{string}, TextWriter, TextWriter, CancellationToken)"/>
    public static async Task<int> RunAsync(Func<Command> program, IReadOnlyList<string> args, TextWriter output, TextWriter error,
        CancellationToken cancellationToken)
    {
        // As far as it can be known before the words are parsed: a word that is missing may have taken --json for itself.
        var errors = new ErrorWriter(args.Contains(FedLoraCommand.Json.Name, StringComparer.Ordinal), PrintedCommands.Plain, output, error);
        try
        {
            var parsed = program().Parse(args);
            if (UnknownWord.Of(parsed) is { } unknown)
            {
                errors.Write(UsageException.UsageCode, $"unknown command or option '{unknown}'",
                    UnknownWord.Hint(parsed, unknown, HelpFor(parsed)));
                return ExitCode.Usage;
            }

            if (parsed.Errors.Count > 0)
            {
                errors.Write(UsageException.UsageCode, parsed.Errors[0].Message, $"See: {HelpFor(parsed)}");
                return ExitCode.Usage;
            }

            if (Empty(parsed) is { } empty)
            {
                errors.Write(UsageException.UsageCode, $"{empty} is empty", $"Give a value, or leave it out. See: {HelpFor(parsed)}");
                return ExitCode.Usage;
            }

            errors = new ErrorWriter(parsed.GetValue(FedLoraCommand.Json), PrintedCommands.Of(parsed), output, error);
            var configuration = new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                // A command has this long to end its child processes after Ctrl-C.
                ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
            };
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (InterruptedException interrupted)
        {
            errors.Write("interrupted", interrupted.Message, interrupted.Hint);
            return ExitCode.Interrupted;
        }
        catch (OperationCanceledException)
        {
            errors.Write("interrupted", "interrupted before the end", "Start the same command again.");
            return ExitCode.Interrupted;
        }
        catch (Exception exception)
        {
            var (code, message, hint) = Explain(exception);
            errors.Write(code, message, hint);
            if (Environment.GetEnvironmentVariable(TraceVariable) is { Length: > 0 })
                await error.WriteLineAsync(exception.ToString());
            return code == UsageException.UsageCode ? ExitCode.Usage : ExitCode.Failure;
        }
    }

    private static (string Code, string Message, string Hint) Explain(Exception exception) => exception switch
    {
        UsageException usage => (UsageException.UsageCode, usage.Message, usage.Hint),
        FedLoraException known => (known.Code, known.Message, known.Hint),
        RefusedException refused => (refused.Code, refused.Message, refused.Hint),
        AggregateException { InnerExceptions.Count: 1 } one => Explain(one.InnerExceptions[0]),
        FileNotFoundException or DirectoryNotFoundException => ("not-found", exception.Message, "Check the path."),
        UnauthorizedAccessException => ("no-permission", exception.Message, "Check who owns the file and with which rights."),
        IOException => ("input-output", exception.Message, "Check the disk: is it full, or the file in use?"),
        _ => ("internal", $"{exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}",
            $"This is a defect of FedLora; report it with what {TraceVariable}=1 adds to the output."),
    };

    /// <summary>
    /// An option or argument that was given as an empty text, which nothing here means: an unset variable in somebody's script.
    /// </summary>
    private static string? Empty(ParseResult parsed)
    {
        for (var result = parsed.CommandResult; result is not null; result = result.Parent as CommandResult)
        {
            foreach (var child in result.Children.Where(child => child.Tokens.Any(token => token.Value.Length == 0)))
                return child is OptionResult option ? option.Option.Name : child is ArgumentResult argument ? argument.Argument.Name : null;
        }
        return null;
    }

    private static string HelpFor(ParseResult parsed)
    {
        var words = new Stack<string>();
        for (var result = parsed.CommandResult; result is not null; result = result.Parent as CommandResult)
            words.Push(result.Command is RootCommand ? "fedlora" : result.Command.Name);
        return string.Join(' ', words) + " --help";
    }
}
