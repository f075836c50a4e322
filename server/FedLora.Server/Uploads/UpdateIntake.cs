using FedLora.Grains;
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
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    internal async Task TakeAsync(string node, IAsyncStreamReader<Wire.UpdateMessage> messages, IServerStreamWriter<Wire.UpdateAck> acks, CancellationToken cancellation)
    {
        using var limit = new IdleLimit(Idle, time, cancellation);
        if (!await messages.MoveNext(limit.Token) || messages.Current.Header is not { Blob: { } blob } wire)
            throw Malformed("the first message must be the header of the update");
        if (!Sha256Hex.IsValid(blob.Sha256) || blob.Size <= 0)
            throw Malformed("the header names no SHA-256 and size");
        _ = RequestChecks.Federation(wire.Federation);
        var header = wire.ToGrain(node);
        var offset = await receiver.BeginAsync(header, limit.Token);
        if (offset < header.Bytes)
        {
            await acks.WriteAsync(new Wire.UpdateAck { Received = offset }, limit.Token);
            await ReceiveAsync(header, offset, messages, acks, limit);
        }
        await receiver.CompleteAsync(header, limit.Token);
        await acks.WriteAsync(new Wire.UpdateAck { Received = header.Bytes, Complete = true }, limit.Token);
    }

    // Every chunk goes to the file at once, so that memory does not grow with the number of uploads; only some are waited for on the disk.
    private async Task ReceiveAsync(UpdateHeader header, long offset, IAsyncStreamReader<Wire.UpdateMessage> messages, IServerStreamWriter<Wire.UpdateAck> acks, IdleLimit limit)
    {
        var acknowledged = offset;
        while (offset < header.Bytes && await messages.MoveNext(limit.Token))
        {
            limit.Moved();
            if (messages.Current.Chunk is not { } chunk || chunk.Offset != offset)
                throw Malformed($"expected the chunk at byte {offset}");
            if (chunk.Data.Length > ChunkSender.LargestChunk)
                throw Malformed($"a chunk has {chunk.Data.Length} bytes, more than {ChunkSender.LargestChunk}");
            var end = offset + chunk.Data.Length;
            var durable = end - acknowledged >= AcknowledgeEvery || end >= header.Bytes;
            offset = await receiver.AppendAsync(header, offset, chunk.Data.Memory, durable, limit.Token);
            if (!durable)
                continue;
            acknowledged = offset;
            await acks.WriteAsync(new Wire.UpdateAck { Received = offset }, limit.Token);
        }
        if (offset < header.Bytes)
            throw Malformed($"the upload ended at byte {offset} of {header.Bytes}");
    }

    private static RefusedException Malformed(string why) => new(RefusalCodes.UpdateFormat, $"upload refused: {why}", "update the client");
}
