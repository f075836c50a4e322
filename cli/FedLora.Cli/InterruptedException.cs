namespace FedLora.Cli;

/// <summary>Ctrl-C or SIGTERM met a command that can say more than "start it again"; exit code 130.</summary>
/// <param name="message">One line: what was interrupted.</param>
/// <param name="hint">One line: how things stand, or what to do.</param>
/// <param name="inner">What the command was ended by.</param>
public sealed class InterruptedException(string message, string hint, Exception? inner = null) : OperationCanceledException(message, inner)
{
    /// <summary>One line: how things stand, or what to do.</summary>
    public string Hint { get; } = hint;
}
