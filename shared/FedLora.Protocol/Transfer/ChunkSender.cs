using Google.Protobuf;
using FedLora.Protocol.V1;

namespace FedLora.Protocol.Transfer;

/// <summary>Cuts a stream into <see cref="Chunk"/>s.</summary>
public static class ChunkSender
{
    /// <summary>Most bytes of data in one chunk: small against a message limit, large against what a message costs.</summary>
    public const int ChunkSize = 256 * 1024;

    /// <summary>Sends <paramref name="source"/> from <paramref name="offset"/> to its end. The stream must be seekable.</summary>
    public static async Task SendAsync(Stream source, long offset, Func<Chunk, Task> write, CancellationToken cancellation)
    {
        source.Position = offset;
        while (true)
        {
            // A buffer of its own for each chunk: the writer may still hold the last one.
            var buffer = new byte[(int)Math.Min(ChunkSize, Math.Max(0, source.Length - source.Position))];
            var read = await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
            if (read == 0)
                return;
            await write(new Chunk { Offset = offset, Data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, read)) });
            offset += read;
        }
    }
}
