using Grpc.Net.Internal;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Cancels a call at the time that its caller stops waiting.</summary>
internal sealed class ServerDeadline : IAsyncDisposable
{
    private readonly CancellationTokenSource _cancel;
    private readonly Deadline _deadline;
    private volatile bool _hasPassed;

    private ServerDeadline(TimeSpan timeout, TimeProvider time, ILogger logger, CancellationToken aborted)
    {
        At = time.GetUtcNow().UtcDateTime + timeout;
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        _deadline = new Deadline(At, time);
        _deadline.Start(() => Pass(timeout, logger));
    }

    public DateTime At { get; }

    /// <summary>Cancelled at the deadline and when the caller goes away.</summary>
    public CancellationToken Token => _cancel.Token;

    public bool HasPassed => _hasPassed;

    /// <summary>Null for a call without deadline.</summary>
    public static ServerDeadline? Of(HttpContext http, TimeProvider time, ILogger logger)
    {
        string? header = http.Request.Headers[Headers.Timeout];
        if (header is null) return null;
        if (Timeouts.Decode(header) is { } timeout) return new ServerDeadline(timeout, time, logger, http.RequestAborted);
        ServerLog.TimeoutIgnored(logger, header);
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _deadline.DisposeAsync();
        _cancel.Dispose();
    }

    private void Pass(TimeSpan timeout, ILogger logger)
    {
        _hasPassed = true;
        ServerLog.DeadlinePassed(logger, timeout);
        try
        {
            _cancel.Cancel();
        }
        catch (AggregateException exception)
        {
            // What a handler has registered on its token must not end the timer's thread.
            ServerLog.DeadlineCancellationFailed(logger, exception);
        }
    }
}
