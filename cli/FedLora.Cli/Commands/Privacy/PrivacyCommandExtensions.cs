using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Privacy;

namespace FedLora.Cli.Commands.Privacy;

/// <summary>Numbers on the command line that no accountant takes are wrong usage, not a failure.</summary>
internal static class PrivacyCommandExtensions
{
    /// <summary>Says what there is to know about a bound.</summary>
    public static void Remarks(this CommandOutput output, PrivacyBound bound)
    {
        if (bound.Note is { } note)
            output.Remark(note);
    }

    /// <summary>Says so where delta is too large for a stated count.</summary>
    /// <exception cref="UsageException">The count is below 1.</exception>
    public static void Advise(this CommandOutput output, double delta, long? count)
    {
        if (count is < 1)
            throw new UsageException("--count must be at least 1", "State about how many examples there are, rounded.");
        if (DeltaAdvice.For(delta, count ?? 0) is { } advice)
            output.Remark(advice);
    }

    /// <summary>As <see cref="CommandExtensions.Runs"/>; what is refused as out of range ends with exit code 2.</summary>
    public static Command RunsOnNumbers(this Command command, Func<ParseResult, CommandOutput, CancellationToken, Task> action) =>
        command.Runs(async (parsed, output, cancellationToken) =>
        {
            try
            {
                await action(parsed, output, cancellationToken);
            }
            catch (FedLoraException refusal) when (refusal.Code is "privacy-invalid" or "audit-settings-invalid")
            {
                throw new UsageException(refusal.Message, refusal.Hint);
            }
        });
}
