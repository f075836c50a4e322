using System.CommandLine;
using FedLora.Cli.Output;

namespace FedLora.Cli.Commands;

/// <summary>How a command is bound to what it does.</summary>
public static class CommandExtensions
{
    /// <summary>Sets what the command does; it ends with exit code 0 unless it throws.</summary>
    public static Command Runs(this Command command, Func<ParseResult, CommandOutput, CancellationToken, Task> action) =>
        command.Answers(async (parsed, output, cancellationToken) =>
        {
            await action(parsed, output, cancellationToken);
            return ExitCode.Success;
        });

    /// <summary>The same for a command whose result may be a no, which its exit code says too.</summary>
    public static Command Answers(this Command command, Func<ParseResult, CommandOutput, CancellationToken, Task<int>> action)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            // System.CommandLine waits after Ctrl-C only for a command that has come to its first await: until then it would leave at once,
            // and temporary folders and child processes with it.
            await Task.Yield();
            var configuration = parsed.InvocationConfiguration;
            return await action(parsed,
                new CommandOutput(parsed.GetValue(FedLoraCommand.Json), PrintedCommands.Of(parsed), JsonForm.Of(command),
                    configuration.Output, configuration.Error), cancellationToken);
        });
        return command;
    }
}
