using FedLora.Protocol.Transfer;
using FedLora.Server.Mapping;
using FedLora.Server.Services;
using Grpc.Core;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Uploads;

/// <summary>
/// Takes one update in: asks the federation whether it is wanted, appends chunks durably, acknowledges what would survive a crash, and
/// acknowledges the whole only when it is validated, durable and part of the round.
/// </summary>
internal sealed class UpdateIntake(UpdateReceiver receiver, TimeProvider time)
{
    // Each acknowledgement is an fsync: fewer of them for a large update, but never more than this many bytes to send again.
    private const int AcknowledgeEvery = 4 << 20;
    // On a thin link by time too: a sender that hears nothing for its idle limit gives up.
    private static readonly TimeSpan AcknowledgeAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    internal async Task TakeAsync(string node, IAsyncStreamReader<Wire.UpdateMessage> messages, IServerStreamWriter<Wire.UpdateAck> acks,
        CancellationToken cancellationToken)
    {
        using var limit = new IdleLimit(Idle, time, cancellationToken);
        await limit.RunAsync(() => "the upload", () => TakeAsync(node, messages, acks, limit));
    }

    private async Task TakeAsync(string node, IAsyncStreamReader<Wire.UpdateMessage> messages, IServerStreamWriter<Wire.UpdateAck> acks,
        IdleLimit limit)
    {
        if (!await messages.MoveNext(limit.Token) || messages.Current.Header is not { Blob: { } blob } wire)
            throw Malformed("the first message must be the header of the update");
        if (!Sha256Hex.IsValid(blob.Sha256) || blob.Size <= 0)
            throw Malformed("the header names no SHA-256 and size");
        _ = FederationKey.Of(wire.Federation);
        var header = wire.ToGrain(node);
        var upload = await receiver.BeginAsync(header, limit.Token);
        if (upload.Offset < header.Bytes)
        {
            var since = time.GetTimestamp();
            await acks.SendAsync(new Wire.UpdateAck { Received = upload.Offset }, limit);
            await ReceiveAsync(upload, since, messages, acks, limit);
        }
        await upload.CompleteAsync(limit.Token);
        await acks.SendAsync(new Wire.UpdateAck { Received = header.Bytes, Complete = true }, limit);
    }

    // Every chunk goes to the file at once, so that memory does not grow with the number of uploads; only some are waited for on the disk.
    private async Task ReceiveAsync(IncomingUpdate upload, long since, IAsyncStreamReader<Wire.UpdateMessage> messages,
        IServerStreamWriter<Wire.UpdateAck> acks, IdleLimit limit)
    {
        var (size, acknowledged) = (upload.Header.Bytes, upload.Offset);
        while (upload.Offset < size && await messages.MoveNext(limit.Token))
        {
            limit.Moved();
            if (messages.Current.Chunk is not { } chunk || chunk.Offset != upload.Offset)
                throw Malformed($"expected the chunk at byte {upload.Offset}");
            if (chunk.Data.Length > ChunkSender.LargestChunk)
                throw Malformed($"a chunk has {chunk.Data.Length} bytes, more than {ChunkSender.LargestChunk}");
            var end = upload.Offset + chunk.Data.Length;
            // The last bytes are waited for once, when the whole is looked at.
            var durable = end < size && (end - acknowledged >= AcknowledgeEvery || time.GetElapsedTime(since) >= AcknowledgeAfter);
            await upload.AppendAsync(chunk.Data.Memory, durable, limit.Token);
            if (!durable)
                continue;
            (acknowledged, since) = (upload.Offset, time.GetTimestamp());
            await acks.SendAsync(new Wire.UpdateAck { Received = upload.Offset }, limit);
        }
        if (upload.Offset < size)
            throw Malformed($"the upload ended at byte {upload.Offset} of {size}");
    }

    private static RefusedException Malformed(string why) => new(RefusalCodes.UpdateFormat, $"upload refused: {why}", "update the client");
}
