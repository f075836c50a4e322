using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Protocol.Transfer;

/// <summary>Starts one GetBlob call.</summary>
public delegate AsyncServerStreamingCall<Chunk> GetBlobCall(GetBlobRequest request, CancellationToken cancellationToken);

/// <summary>
/// Fetches a blob into a file. What has arrived stays in <c>TARGET.part</c>, so that the next try goes on from there, also in another
/// process; the target appears under its name only whole and with the right hash.
/// </summary>
/// <param name="time">Clock of the idle limit.</param>
/// <param name="idle">How long nothing may arrive.</param>
public sealed class BlobDownload(TimeProvider time, TimeSpan idle)
{
    /// <summary>Fetches <paramref name="blob"/> to <paramref name="target"/>.</summary>
    /// <exception cref="FedLoraException"><c>transfer-idle</c>, <c>blob-invalid</c> (wrong size or hash: what had arrived is
    /// dropped).</exception>
    /// <exception cref="RpcException">The call failed; try again later.</exception>
    public async Task FetchAsync(BlobRef blob, string target, GetBlobCall call, CancellationToken cancellationToken)
    {
        if (!Sha256Hex.IsValid(blob.Sha256) || blob.Size < 0)
            throw Invalid(blob, "its name is not a SHA-256");
        var part = target + ".part";
        await ReceiveAsync(blob, part, call, cancellationToken);
        if (await Sha256Hex.OfFileAsync(part, cancellationToken) != blob.Sha256)
        {
            File.Delete(part);
            throw Invalid(blob, "its bytes do not have the hash that names it");
        }
        File.Move(part, target, overwrite: true);
        AtomicFile.FlushFolder(Path.GetDirectoryName(target)!);
    }

    private async Task ReceiveAsync(BlobRef blob, string part, GetBlobCall call, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1 << 16);
        if (file.Length > blob.Size)
            file.SetLength(0);
        file.Seek(0, SeekOrigin.End);
        if (file.Length < blob.Size)
            await ReceiveAsync(blob, file, call, cancellationToken);
        // Before it gets its name: what a power cut leaves under it is whole.
        file.Flush(flushToDisk: true);
    }

    private async Task ReceiveAsync(BlobRef blob, FileStream file, GetBlobCall call, CancellationToken cancellationToken)
    {
        using var limit = new IdleLimit(idle, time, cancellationToken);
        await limit.RunAsync(() => $"download of {blob.Sha256[..12]} at byte {file.Position} of {blob.Size}", async () =>
        {
            using var stream = call(new GetBlobRequest { Sha256 = blob.Sha256, Offset = file.Position }, limit.Token);
            while (await stream.ResponseStream.MoveNext(limit.Token))
            {
                var chunk = stream.ResponseStream.Current;
                if (chunk.Offset != file.Position || chunk.Data.Length > blob.Size - file.Position)
                    throw Invalid(blob, $"a chunk at byte {chunk.Offset} does not fit at byte {file.Position} of {blob.Size}");
                await file.WriteAsync(chunk.Data.Memory, limit.Token);
                limit.Moved();
            }
        });
        if (file.Position != blob.Size)
            throw Invalid(blob, $"it ended at byte {file.Position} of {blob.Size}");
    }

    private static FedLoraException Invalid(BlobRef blob, string why) =>
        new("blob-invalid", $"blob {blob.Sha256} from the coordinator is invalid: {why}",
            "it is fetched again; if this repeats, the coordinator's store is damaged");
}
