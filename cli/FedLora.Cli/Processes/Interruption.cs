namespace FedLora.Cli.Processes;

/// <summary>Ctrl-C in a terminal reaches this process and its children alike, and which of them ends first is chance.</summary>
internal static class Interruption
{
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// Called when a child has ended unasked, before that is told as its failure: waits a moment for this process to hear of the same
    /// signal.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was Ctrl-C or SIGTERM.</exception>
    internal static Task SettleAsync(CancellationToken cancellationToken) => Task.Delay(Settle, TimeProvider.System, cancellationToken);
}
