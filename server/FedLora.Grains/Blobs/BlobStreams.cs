namespace FedLora.Grains.Blobs;

/// <summary>Blobs that are read at once.</summary>
internal static class BlobStreams
{
    /// <summary>All bytes from the start, under 2 GiB.</summary>
    public static byte[] ReadAll(this Stream blob)
    {
        var bytes = new byte[checked((int)blob.Length)];
        blob.Position = 0;
        blob.ReadExactly(bytes);
        return bytes;
    }
}
