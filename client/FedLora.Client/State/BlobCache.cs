using System.Security.Cryptography;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.State;

/// <summary>
/// Blobs on disk under their hashes; fetched once, resumed where a fetch stopped, oldest dropped when there are many. What lies there is
/// believed only as far as its hash says.
/// </summary>
/// <param name="folder">Where they lie.</param>
/// <param name="time">Clock of idle limits.</param>
/// <param name="logger">Hears of what the disk has changed.</param>
/// <param name="keep">Most bytes kept besides those just asked for, and a sixteenth over it.</param>
/// <param name="most">Most blobs kept, and a sixteenth over it.</param>
public sealed class BlobCache(string folder, TimeProvider time, ILogger<BlobCache> logger, long keep = 2L << 30, int most = 1000)
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);
    private readonly BlobDownload _download = new(time, Idle);

    // Fetched since the folder was last looked through; at first nobody knows.
    private (long Bytes, int Blobs) _since = (keep, most);

    /// <summary>The bytes of a blob, fetched first if they are not here, or no longer what they were.</summary>
    /// <exception cref="FedLoraException"><c>blob-invalid</c>: it is no hash, or neither what lay here nor what was fetched has it; and as
    /// <see cref="BlobDownload.FetchAsync"/>.</exception>
    public async Task<byte[]> ReadAsync(BlobRef blob, GetBlobCall call, CancellationToken cancellationToken)
    {
        if (!Sha256Hex.IsValid(blob.Sha256))
            throw new FedLoraException("blob-invalid", $"the coordinator named a blob '{blob.Sha256}', which is no SHA-256",
                "look at the coordinator's version");
        var path = Path.Combine(folder, blob.Sha256);
        if (File.Exists(path))
        {
            if (await ReadAsync(path, blob, cancellationToken) is { } kept)
            {
                File.SetLastWriteTimeUtc(path, time.GetUtcNow().UtcDateTime);
                return kept;
            }
            logger.Damaged(path);
            File.Delete(path);
        }
        MakeRoom(path, (long)blob.Size);
        await _download.FetchAsync(blob, path, call, cancellationToken);
        if (await ReadAsync(path, blob, cancellationToken) is { } fetched)
            return fetched;
        File.Delete(path);
        throw new FedLoraException("blob-invalid", $"{path} was written and does not read the same",
            "look at the disk under the state folder, or give the client another with --state");
    }

    private static async Task<byte[]?> ReadAsync(string path, BlobRef blob, CancellationToken cancellationToken)
    {
        var bytes = await File.ReadAllBytesAsync(path, cancellationToken);
        return Convert.ToHexStringLower(SHA256.HashData(bytes)) == blob.Sha256 ? bytes : null;
    }

    // Looking through the folder costs the more the more lies in it, so it is done once for many blobs.
    private void MakeRoom(string wanted, long size)
    {
        _since = (_since.Bytes + size, _since.Blobs + 1);
        if (_since.Bytes <= keep / 16 && _since.Blobs <= most / 16)
            return;
        _since = default;
        var (bytes, blobs) = (0L, 0);
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc).ToList())
        {
            (bytes, blobs) = (bytes + file.Length, blobs + 1);
            if ((bytes > keep || blobs > most) && !file.FullName.StartsWith(wanted, StringComparison.Ordinal))
                file.Delete();
        }
    }
}
