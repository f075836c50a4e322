using Grpc.Core;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The responses of a streaming call.</summary>
internal sealed class ServerStreamWriter<TRequest, TResponse>(ServerCall<TRequest, TResponse> call) : IServerStreamWriter<TResponse>
    where TRequest : class
    where TResponse : class
{
    private int _writing;

    public WriteOptions? WriteOptions
    {
        get => call.Context.WriteOptions;
        set => call.Context.WriteOptions = value;
    }

    public Task WriteAsync(TResponse message) => WriteAsync(message, CancellationToken.None);

    /// <summary>Cancelling the token gives the call up, as in grpc-dotnet.</summary>
    public async Task WriteAsync(TResponse message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        await using var registration = cancellationToken.UnsafeRegister(static context => ((HttpCallContext)context!).Reset(), call.Context);
        cancellationToken.ThrowIfCancellationRequested();
        if (call.Context.HasEnded || call.Context.Http.RequestAborted.IsCancellationRequested)
        {
            throw new InvalidOperationException("Can't write the message because the request is complete.");
        }

        if (Interlocked.Exchange(ref _writing, 1) == 1)
        {
            throw new InvalidOperationException("Can't write the message because the previous write is in progress.");
        }

        try
        {
            await call.WriteAsync(message, cancellationToken);
            if ((WriteOptions?.Flags ?? default).HasFlag(WriteFlags.BufferHint)) return;
            var flushed = await call.Context.Http.Response.BodyWriter.FlushAsync(call.Context.CancellationToken);
            if (flushed.IsCanceled || call.Context.CancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException("Request aborted while sending the message.", call.Context.CancellationToken);
            }
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }
}
