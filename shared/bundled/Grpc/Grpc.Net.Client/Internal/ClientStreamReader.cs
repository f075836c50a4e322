using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>The responses of a call.</summary>
internal sealed class ClientStreamReader<TRequest, TResponse>(GrpcCall<TRequest, TResponse> call) : IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private int _reading;

    public TResponse Current { get; private set; } = null!;

    /// <summary>Cancelling the token ends the call, as in grpc-dotnet.</summary>
    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _reading, 1) == 1)
        {
            throw new InvalidOperationException("Can't read the next message because the previous read is still in progress.");
        }

        try
        {
            using var registration = call.CancelWith(cancellationToken);

            // The last message is not kept alive while the next is awaited.
            Current = null!;
            Current = (await call.ReadNextAsync())!;
            return Current is not null;
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }
}
