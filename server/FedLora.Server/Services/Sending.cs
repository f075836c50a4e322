using FedLora.Protocol.Transfer;
using Grpc.Core;

namespace FedLora.Server.Services;

/// <summary>
/// Messages to callers that may be slow to take them. What ends the call ends the waiting alone, so that the call's status can follow what
/// is on its way: a write that is itself cancelled resets the stream, and its caller hears nothing.
/// </summary>
internal static class Sending
{
    /// <summary>Sends a message.</summary>
    internal static Task SendAsync<T>(this IServerStreamWriter<T> caller, T message, CancellationToken cancellationToken) =>
        caller.WriteAsync(message, CancellationToken.None).WaitAsync(cancellationToken);

    /// <summary>Sends a message of a transfer; one whose caller takes nothing any more is reset.</summary>
    internal static Task SendAsync<T>(this IServerStreamWriter<T> caller, T message, IdleLimit limit) =>
        caller.WriteAsync(message, limit.Idle).WaitAsync(limit.Token);
}
