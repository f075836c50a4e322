using System.Security.Cryptography;
using System.Text;

namespace FedLora.Training.Libtorch;

/// <summary>
/// TorchSharp 0.107's native library asks for the symbol version GLIBCXX_3.4.32, which Debian 12's and Ubuntu 22.04's libstdc++ (3.4.30)
/// lack, though nothing in it uses a symbol of that version. There a copy is loaded whose need is marked weak, so that the system's loader
/// goes on without it; the package's own file is never touched. To be deleted when TorchSharp is built on an older system or the oldest
/// supported system has libstdc++ 13.
/// </summary>
internal static class LibstdcxxCompatibility
{
    private const string Version = "GLIBCXX_3.4.32";

    /// <summary>
    /// The path of a library that this system can load: the given one, or a copy in the user's cache that differs by one byte.
    /// </summary>
    /// <param name="library">TorchSharp's native library; only read.</param>
    /// <param name="cache">Folder for the copy.</param>
    /// <exception cref="FedLoraException"><c>libstdcxx-too-old</c>: the library needs more of the newer libstdc++ than its version's name.
    /// <c>file-write-failed</c>.</exception>
    public static string Loadable(string library, string cache) => Loadable(library, cache, SystemLibrary());

    /// <inheritdoc cref="Loadable(string, string)"/>
    /// <param name="libstdcxx">The libstdc++ that this process has loaded; null where it has none.</param>
    internal static string Loadable(string library, string cache, string? libstdcxx)
    {
        if (libstdcxx is null || Defines(libstdcxx, Version))
            return library;
        var bytes = File.ReadAllBytes(library);
        if (!ElfVersionNeeds.TryWeaken(bytes, "libstdc++.so.6", Version))
            return library;
        var name = Convert.ToHexStringLower(SHA256.HashData(bytes))[..16];
        var copy = Path.Combine(cache, "libtorch", name, Path.GetFileName(library));
        if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(bytes))
            AtomicFile.Write(copy, bytes);
        return copy;
    }

    private static string? SystemLibrary() => OperatingSystem.IsLinux()
        ? File.ReadLines("/proc/self/maps").Select(line => line[(line.LastIndexOf(' ') + 1)..])
            .FirstOrDefault(file => file.Contains("/libstdc++.so.6", StringComparison.Ordinal))
        : null;

    // The version's name stands in the string table of the library that defines it.
    private static bool Defines(string libstdcxx, string version) =>
        File.ReadAllBytes(libstdcxx).AsSpan().IndexOf(Encoding.ASCII.GetBytes(version + '\0')) >= 0;
}
