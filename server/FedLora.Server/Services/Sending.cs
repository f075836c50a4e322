using Grpc.Core;

namespace FedLora.Server.Services;

/// <summary>Messages to callers that may be slow to take them.</summary>
internal static class Sending
{
    /// <summary>
    /// Sends a message. What ends the call ends the waiting alone, so that the call's status can follow what is on its way: a write that is
    /// itself cancelled resets the stream, and its caller hears nothing.
    /// </summary>
    /// <param name="caller">Where to.</param>
    /// <param name="message">What.</param>
    /// <param name="ending">Ends the call.</param>
    /// <param name="stuck">The caller takes nothing any more: resets the stream.</param>
    internal static Task SendAsync<T>(this IServerStreamWriter<T> caller, T message, CancellationToken ending,
        CancellationToken stuck = default) => caller.WriteAsync(message, stuck).WaitAsync(ending);
}
