using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Protocol.Transfer;

/// <summary>Starts one PutUpdate call.</summary>
public delegate AsyncDuplexStreamingCall<UpdateMessage, UpdateAck> PutUpdateCall(CancellationToken cancellationToken);

/// <summary>Uploads an update from the byte that the coordinator asks for, to its last acknowledgement.</summary>
/// <param name="time">Clock of the idle limit.</param>
/// <param name="idle">How long nothing may be acknowledged.</param>
public sealed class UpdateUpload(TimeProvider time, TimeSpan idle)
{
    /// <summary>Sends header and bytes; returns when the coordinator has said that the whole update is validated and durable.</summary>
    /// <exception cref="FedLoraException"><c>transfer-idle</c>, or <c>upload-incomplete</c>: try again later, nothing acknowledged is sent
    /// twice.</exception>
    /// <exception cref="RpcException">As the service says: FAILED_PRECONDITION and INVALID_ARGUMENT mean that this update is not
    /// wanted.</exception>
    public async Task SendAsync(UpdateHeader header, Stream update, PutUpdateCall start, IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        using var limit = new IdleLimit(idle, time, cancellationToken);
        var received = 0L;
        await limit.RunAsync(() => $"upload of round {header.Round} of '{header.Federation}' at byte {received} of {header.Blob.Size}",
            async () =>
            {
                using var call = start(limit.Token);
                await call.RequestStream.WriteAsync(new UpdateMessage { Header = header }, limit.Token);
                if (!await call.ResponseStream.MoveNext(limit.Token))
                    throw Incomplete(0, header.Blob.Size);
                var ack = call.ResponseStream.Current;
                if (ack.Complete)
                    return;
                var sending = SendChunksAsync(call.RequestStream, update, ack.Received, limit);
                while (await call.ResponseStream.MoveNext(limit.Token))
                {
                    limit.Moved();
                    received = call.ResponseStream.Current.Received;
                    progress?.Report(received);
                    if (!call.ResponseStream.Current.Complete)
                        continue;
                    await sending;
                    return;
                }
                await sending;
                throw Incomplete(received, header.Blob.Size);
            });
    }

    private static async Task SendChunksAsync(IClientStreamWriter<UpdateMessage> writer, Stream update, long offset, IdleLimit limit)
    {
        try
        {
            await ChunkSender.SendAsync(update, offset, chunk => writer.WriteAsync(new UpdateMessage { Chunk = chunk }, limit.Token),
                limit.Token);
            await writer.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException or OperationCanceledException)
        {
            // The coordinator ended the call: why, is told by the response stream, which the caller reads.
        }
    }

    private static FedLoraException Incomplete(long received, long size) => new("upload-incomplete",
        $"the coordinator ended the upload at byte {received} of {size} without accepting it",
        "it goes on from there when it is tried again");
}
