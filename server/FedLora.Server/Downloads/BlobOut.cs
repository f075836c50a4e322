using FedLora.Protocol.Transfer;
using FedLora.Server.Services;
using Grpc.Core;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Downloads;

/// <summary>Sends a blob in chunks, from where the caller's copy ends.</summary>
internal static class BlobOut
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    /// <param name="blob">Open, at its beginning.</param>
    /// <param name="offset">Bytes that the caller has.</param>
    /// <param name="chunks">To the caller; bounded by idle time.</param>
    /// <param name="time">Measures it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RefusedException"><c>blob-offset</c>.</exception>
    internal static async Task SendAsync(Stream blob, long offset, IServerStreamWriter<Wire.Chunk> chunks, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (offset < 0 || offset > blob.Length)
            throw new RefusedException(RefusalCodes.BlobOffset, $"byte {offset} is not within the blob's {blob.Length}", "start at 0");
        using var limit = new IdleLimit(Idle, time, cancellationToken);
        await limit.RunAsync(() => "the download", () => ChunkSender.SendAsync(blob, offset, async chunk =>
        {
            await chunks.SendAsync(chunk, limit);
            limit.Moved();
        }, limit.Token));
    }
}
