using System.Runtime.InteropServices;

namespace FedLora.Benchmarks.Codec;

/// <summary>The system's libzstd, as a peer to be measured against; nothing else in the program uses it.</summary>
internal static partial class Zstd
{
    private const string Library = "libzstd.so.1";

    /// <summary>Whether the library can be loaded here.</summary>
    public static bool IsAvailable { get; } = NativeLibrary.TryLoad(Library, out _);

    public static byte[] Compress(byte[] source, int level)
    {
        var target = new byte[Bound((nuint)source.Length)];
        var size = Compress(target, (nuint)target.Length, source, (nuint)source.Length, level);
        return IsError(size) == 0 ? target[..(int)size] : throw new InvalidOperationException("libzstd could not compress.");
    }

    public static void Decompress(byte[] source, byte[] target)
    {
        if (IsError(Decompress(target, (nuint)target.Length, source, (nuint)source.Length)) != 0)
            throw new InvalidOperationException("libzstd could not decompress.");
    }

    [LibraryImport(Library, EntryPoint = "ZSTD_compressBound")]
    private static partial nuint Bound(nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress")]
    private static partial nuint Compress(byte[] target, nuint capacity, byte[] source, nuint size, int level);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompress")]
    private static partial nuint Decompress(byte[] target, nuint capacity, byte[] source, nuint size);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);
}
