using System.IO.Compression;

namespace FedLora.Benchmarks.Codec;

/// <summary>A general-purpose compressor that sparse updates are compared with.</summary>
/// <param name="Name">As it is known, with its level.</param>
/// <param name="Compress">Compresses bytes.</param>
/// <param name="Decompress">Decompresses into a buffer of the right size.</param>
internal sealed record GeneralCompressor(string Name, Func<byte[], byte[]> Compress, Action<byte[], byte[]> Decompress)
{
    /// <summary>gzip, and zstd where the machine has it.</summary>
    public static IReadOnlyList<GeneralCompressor> All { get; } = Zstd.IsAvailable
        ? [Gzip(), new GeneralCompressor("zstd level 3", source => Zstd.Compress(source, 3), Zstd.Decompress)]
        : [Gzip()];

    private static GeneralCompressor Gzip() => new(
        "gzip",
        source =>
        {
            using var target = new MemoryStream();
            using (var gzip = new GZipStream(target, CompressionLevel.Optimal))
                gzip.Write(source);
            return target.ToArray();
        },
        (source, target) =>
        {
            using var gzip = new GZipStream(new MemoryStream(source), CompressionMode.Decompress);
            gzip.ReadExactly(target);
        });
}
