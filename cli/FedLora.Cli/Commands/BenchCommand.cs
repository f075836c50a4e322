using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using FedLora.Cli.Processes;

namespace FedLora.Cli.Commands;

/// <summary><c>fedlora bench</c>: hands every word on to the benchmarks.</summary>
internal static class BenchCommand
{
    // The option for help is the command's own, so that the benchmarks answer for theirs.
    public static Command Create() => new("bench", "Measure this machine: our figures beside a peer's, taken in the same run.")
    {
        Options = { new HelpOption { Action = new HandOn() } },
        Action = new HandOn(),
        TreatUnmatchedTokensAsErrors = false,
    };

    private sealed class HandOn : AsynchronousCommandLineAction
    {
        public override Task<int> InvokeAsync(ParseResult parseResult, CancellationToken cancellationToken = default) =>
            BenchmarkProgram.RunAsync(parseResult.Tokens.Select(token => token.Value), cancellationToken);
    }
}
