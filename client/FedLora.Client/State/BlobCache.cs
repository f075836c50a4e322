using FedLora.Client.Connection;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;

namespace FedLora.Client.State;

/// <summary>Blobs on disk under their hashes; fetched once, resumed where a fetch stopped, oldest dropped when there are many.</summary>
/// <param name="folder">Where they lie.</param>
/// <param name="time">Clock of idle limits.</param>
/// <param name="keep">Most bytes kept besides those just asked for.</param>
public sealed class BlobCache(string folder, TimeProvider time, long keep = 2L << 30)
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);
    private readonly BlobDownload download = new(time, Idle);

    /// <summary>The path of a blob, fetched first if it is not here.</summary>
    public async Task<string> GetAsync(BlobRef blob, CoordinatorConnection connection, CancellationToken cancellation)
    {
        if (!Sha256Hex.IsValid(blob.Sha256))
            throw new FedLoraException("blob-invalid", $"the coordinator named a blob '{blob.Sha256}', which is no SHA-256", "look at the coordinator's version");
        var path = Path.Combine(folder, blob.Sha256);
        if (!File.Exists(path))
        {
            Trim(path);
            await download.FetchAsync(blob, path, (request, token) => connection.Node.GetBlob(request, connection.Options(token)), cancellation);
        }
        else
        {
            File.SetLastWriteTimeUtc(path, time.GetUtcNow().UtcDateTime);
        }
        return path;
    }

    private void Trim(string wanted)
    {
        var total = 0L;
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc).ToList())
        {
            total += file.Length;
            if (total > keep && !file.FullName.StartsWith(wanted, StringComparison.Ordinal))
                file.Delete();
        }
    }
}
