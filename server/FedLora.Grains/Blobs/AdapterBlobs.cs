using FedLora.Adapters;

namespace FedLora.Grains.Blobs;

/// <summary>Adapters in the blob store: the blob's name is the adapter's hash.</summary>
public static class AdapterBlobs
{
    public static async Task<AdapterRef> PutAdapterAsync(this IBlobStore blobs, AdapterState adapter, CancellationToken cancellationToken)
    {
        long length = 0;
        var hash = await blobs.PutAsync(
            (stream, _) =>
            {
                SafetensorsWriter.Write(adapter, bytes =>
                {
                    stream.Write(bytes);
                    length += bytes.Length;
                });
                return Task.CompletedTask;
            },
            cancellationToken);
        return new() { Sha256 = hash, Bytes = length };
    }

    public static async Task<AdapterState> GetAdapterAsync(this IBlobStore blobs, string sha256, CancellationToken cancellationToken) =>
        AdapterState.Load(await blobs.OpenReadAsync(sha256, cancellationToken), $"adapter {sha256}");
}
