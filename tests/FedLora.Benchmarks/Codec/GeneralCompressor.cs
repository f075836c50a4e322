using System.IO.Compression;
using ZstdSharp;

namespace FedLora.Benchmarks.Codec;

/// <summary>A general-purpose compressor that sparse updates are compared with.</summary>
/// <param name="Name">As it is known, with its level.</param>
/// <param name="Compress">Compresses bytes.</param>
/// <param name="Decompress">Decompresses into a buffer of the right size.</param>
internal sealed record GeneralCompressor(string Name, Func<byte[], byte[]> Compress, Action<byte[], byte[]> Decompress)
{
    /// <summary>gzip (the runtime's) and zstd (ZstdSharp, a port of zstd's own code to C#).</summary>
    public static IReadOnlyList<GeneralCompressor> All { get; } = [Gzip(), Zstd(3)];

    private static GeneralCompressor Zstd(int level) => new(
        $"zstd level {level}",
        source =>
        {
            using var compressor = new Compressor(level);
            return compressor.Wrap(source).ToArray();
        },
        (source, target) =>
        {
            using var decompressor = new Decompressor();
            decompressor.Unwrap(source, target);
        });

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
