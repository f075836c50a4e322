namespace FedLora.Cli;

/// <summary>The words after <c>fedlora</c> do not fit together in a way that the parser cannot see; exit code 2.</summary>
/// <param name="message">One line: what does not fit.</param>
/// <param name="hint">One line: what to write instead.</param>
public sealed class UsageException(string message, string hint) : Exception(message)
{
    /// <summary>The error's stable word under <c>--json</c>.</summary>
    public const string UsageCode = "usage";

    /// <summary>One line: what to write instead.</summary>
    public string Hint { get; } = hint;
}
