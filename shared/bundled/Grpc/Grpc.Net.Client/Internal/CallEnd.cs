using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>How a call ended. The first end counts; it stops whatever is still under way.</summary>
internal sealed class CallEnd(GrpcChannel channel, CallOptions options) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<(Status Status, Metadata Trailers, bool Local)> _end =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Cancelled at every end but that which the server's own status brings.</summary>
    public CancellationToken Stopped => _stop.Token;

    public bool IsKnown => _end.Task.IsCompleted;

    public Status Status => Known().Status;

    public Metadata Trailers => Known().Trailers;

    /// <summary>Done when the call has ended.</summary>
    public Task Task => _end.Task;

    /// <summary>The server ended the call.</summary>
    public void ByServer(Status status, Metadata trailers) => _end.TrySetResult((status, trailers, false));

    /// <summary>This side ended the call.</summary>
    public void ByClient(StatusCode code, string detail, Exception? cause = null)
    {
        if (_end.TrySetResult((new Status(code, detail, cause), new Metadata(), true))) _ = _stop.CancelAsync();
    }

    /// <summary>An exception ended the call.</summary>
    public void ByFailure(Exception exception, Metadata? trailers, bool deadlinePassed)
    {
        var status = Failures.ToStatus(exception);

        // A server that counts the same deadline may cancel the stream before our own timer fires.
        if (deadlinePassed && status.StatusCode == StatusCode.Cancelled)
        {
            status = new Status(StatusCode.DeadlineExceeded, status.Detail, status.DebugException);
        }

        if (_end.TrySetResult((status, trailers ?? new Metadata(), false))) _ = _stop.CancelAsync();
    }

    /// <summary>What the program gets to see of an end that is not OK.</summary>
    public Exception ToException()
    {
        var (status, trailers, local) = Known();
        if (local && channel.ThrowOnCancellation && status.StatusCode is StatusCode.Cancelled or StatusCode.DeadlineExceeded)
        {
            var token = options.CancellationToken.IsCancellationRequested ? options.CancellationToken : _stop.Token;
            return new OperationCanceledException(status.Detail, status.DebugException, token);
        }

        return new RpcException(status, trailers);
    }

    // Not the source: whoever still holds its token may ask it. It has no timer and no handle.
    public void Dispose() => ByClient(StatusCode.Cancelled, "gRPC call disposed.");

    private (Status Status, Metadata Trailers, bool Local) Known() =>
        _end.Task.IsCompletedSuccessfully ? _end.Task.Result : throw new InvalidOperationException("The call is not complete.");
}
