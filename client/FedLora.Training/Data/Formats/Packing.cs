using System.IO.Compression;
using ZstdSharp;

namespace FedLora.Training.Data.Formats;

/// <summary>How a file is packed, known by its first bytes. That one ends too early its library says
/// while it is read (gzip's by the switch in Directory.Build.props), but of one that ends within those bytes.</summary>
internal static class Packing
{
    private static readonly byte[] Gzip = [0x1F, 0x8B];
    private static readonly byte[] Zstd = [0x28, 0xB5, 0x2F, 0xFD];

    /// <summary>The file's content.</summary>
    /// <param name="file">At its start.</param>
    /// <param name="head">Its first bytes, four at least where it has so many.</param>
    /// <param name="name">Its name, which says that it is packed where its bytes no longer do.</param>
    /// <exception cref="InvalidDataException">It is cut short.</exception>
    public static Stream Open(FileStream file, ReadOnlySpan<byte> head, string name)
    {
        var (gzip, zstd) = (head.StartsWith(Gzip), head.StartsWith(Zstd));
        var named = Path.GetExtension(name).ToLowerInvariant() switch { ".gz" => Gzip, ".zst" => Zstd, _ => null };
        if (named is not null && head.Length < named.Length && named.AsSpan().StartsWith(head))
            throw new InvalidDataException();
        return gzip ? new GZipStream(file, CompressionMode.Decompress)
            : zstd ? new DecompressionStream(file, leaveOpen: true) : file;
    }
}
