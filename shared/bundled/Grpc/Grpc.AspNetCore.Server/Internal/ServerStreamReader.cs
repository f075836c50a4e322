using Grpc.Core;
using Grpc.Net.Internal;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The requests of a streaming call.</summary>
internal sealed class ServerStreamReader<TRequest>(HttpCallContext context, MessageReader<TRequest> reader) : IAsyncStreamReader<TRequest>
    where TRequest : class
{
    public TRequest Current { get; private set; } = null!;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (context.HasEnded || context.Http.RequestAborted.IsCancellationRequested)
        {
            throw new InvalidOperationException("Can't read messages after the request is complete.");
        }

        // The last message is not kept alive while the next is awaited.
        Current = null!;
        using var either = cancellationToken.CanBeCanceled && cancellationToken != context.CancellationToken
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, context.CancellationToken)
            : null;
        Current = (await reader.ReadAsync(either?.Token ?? context.CancellationToken))!;
        return Current is not null;
    }
}
