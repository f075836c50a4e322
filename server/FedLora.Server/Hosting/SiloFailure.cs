using Microsoft.Extensions.Hosting;

namespace FedLora.Server.Hosting;

/// <summary>
/// What a silo cannot go on after: the others have declared it dead, or a part of it has failed. The coordinator then ends with one clear
/// line; Orleans' own handler writes a thousand and aborts the process.
/// </summary>
internal sealed class SiloFailure(IHostApplicationLifetime lifetime) : IFatalErrorHandler
{
    private readonly TaskCompletionSource<FedLoraException> _why = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when there is one.</summary>
    internal Task<FedLoraException> Why => _why.Task;

    public bool IsUnexpected(Exception exception) => true;

    public void OnFatalException(object? sender = null, string? context = null, Exception? exception = null)
    {
        _why.TrySetResult(context?.Contains("told I am dead", StringComparison.Ordinal) == true
            ? new FedLoraException("coordinator-declared-dead",
                "the other coordinators of the cluster have declared this one dead, since it did not answer them in time, and go on with "
                    + "its federations; it has ended",
                "nothing that was acknowledged is lost: start it again, on a machine that lets it answer within a second or two", exception)
            : new FedLoraException("coordinator-failed", "the coordinator has stopped, since its place in the cluster failed: "
                + (exception?.GetBaseException().Message ?? context ?? "without a word").ReplaceLineEndings(" "),
                "its log says more; nothing that was acknowledged is lost: start it again", exception));
        // Whoever waits on it may not hold up the silo's own thread.
        _ = Task.Run(lifetime.StopApplication);
    }
}
