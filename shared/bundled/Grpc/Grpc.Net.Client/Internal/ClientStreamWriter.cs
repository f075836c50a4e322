using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Net.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>The requests of a streaming call.</summary>
internal sealed class ClientStreamWriter<TRequest, TResponse>(GrpcCall<TRequest, TResponse> call) : IClientStreamWriter<TRequest>
    where TRequest : class
    where TResponse : class
{
    /// <summary>Messages that may wait (<see cref="WriteFlags.BufferHint"/>) wait up to this many bytes.</summary>
    private const int MostBuffered = 64 * 1024;

    private readonly TaskCompletionSource<PipeWriter> _pipe = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Continues in CompleteAsync itself, so that the end of the stream is under way when that returns.
    private readonly TaskCompletionSource _complete = new();
    private readonly Lock _gate = new();
    private MessageWriter<TRequest>? _writer;
    private bool _completed;
    private bool _writing;

    public WriteOptions? WriteOptions { get; set; } = call.Options.WriteOptions;

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    /// <summary>Cancelling the token ends the call, as in grpc-dotnet.</summary>
    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        lock (_gate)
        {
            if (_completed) throw new InvalidOperationException("Request stream has already been completed.");
            if (call.End.IsKnown) throw call.End.ToException();
            if (_writing) throw new InvalidOperationException("Can't write the message because the previous write is in progress.");
            _writing = true;
        }

        try
        {
            using var registration = call.CancelWith(cancellationToken);
            var pipe = await _pipe.Task.WaitAsync(call.End.Stopped);
            _writer ??= call.CreateWriter(pipe);
            _writer.Write(message, WriteOptions);
            var mayWait = (WriteOptions?.Flags ?? default).HasFlag(WriteFlags.BufferHint) && pipe.UnflushedBytes < MostBuffered;
            if (!mayWait) await pipe.FlushAsync(call.End.Stopped);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw Describe(exception);
        }
        finally
        {
            lock (_gate) _writing = false;
        }
    }

    public Task CompleteAsync()
    {
        lock (_gate)
        {
            if (_writing) throw new InvalidOperationException("Can't complete the client stream writer because the previous write is in progress.");
            _completed = true;
        }

        _complete.TrySetResult();
        return Task.CompletedTask;
    }

    /// <summary>Lets writes through to the request's body; done when the program has completed the stream or the call has ended.</summary>
    public async Task UseAsync(PipeWriter pipe)
    {
        _pipe.TrySetResult(pipe);
        var first = await Task.WhenAny(_complete.Task, call.End.Task);
        if (first != _complete.Task) throw new OperationCanceledException("The call has ended.");
    }

    /// <summary>A write that fails does not say how the call ended: the response does, which the program reads.</summary>
    private Exception Describe(Exception exception) =>
        call.End.IsKnown ? call.End.ToException() : new RpcException(Failures.ToStatus(exception));
}
