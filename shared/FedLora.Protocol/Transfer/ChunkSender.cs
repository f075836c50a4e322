using FedLora.Protocol.V1;
using Google.Protobuf;

namespace FedLora.Protocol.Transfer;

/// <summary>Cuts a stream into <see cref="Chunk"/>s.</summary>
public static class ChunkSender
{
    /// <summary>
    /// Bytes of data in a chunk as it is sent: large against what a message costs, and below 85,000, so that neither side's heap keeps it
    /// for long.
    /// </summary>
    public const int ChunkSize = 64 * 1024;

    /// <summary>Most bytes of data in a chunk that is taken.</summary>
    public const int LargestChunk = 256 * 1024;

    /// <summary>Sends <paramref name="source"/> from <paramref name="offset"/> to its end. The stream must be seekable.</summary>
    public static async Task SendAsync(Stream source, long offset, Func<Chunk, Task> write, CancellationToken cancellationToken)
    {
        source.Position = offset;
        while (true)
        {
            // A buffer of its own for each chunk: the writer may still hold the last one.
            var buffer = new byte[(int)Math.Min(ChunkSize, Math.Max(0, source.Length - source.Position))];
            var read = await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            if (read == 0)
                return;
            await write(new Chunk { Offset = offset, Data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, read)) });
            offset += read;
        }
    }
}
