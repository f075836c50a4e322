using System.Security.Cryptography;

namespace FedLora.Training.Libtorch;

/// <summary>
/// TorchSharp 0.107's native library asks for the symbol version GLIBCXX_3.4.32, which Debian 12's and Ubuntu 22.04's libstdc++ (3.4.30) lack,
/// though nothing in it uses a symbol of that version. There a copy is loaded whose need is marked weak, so that the system's loader goes on
/// without it; the package's own file is never touched. To be deleted when TorchSharp is built on an older system or the oldest supported
/// system has libstdc++ 13.
/// </summary>
internal static class LibstdcxxCompatibility
{
    private const string Version = "GLIBCXX_3.4.32";

    /// <summary>The path of a library that this system can load: the given one, or a copy in the user's cache that differs by one byte.</summary>
    /// <exception cref="FedLoraException"><c>libstdcxx-too-old</c>: the library needs more of the newer libstdc++ than its version's name.</exception>
    public static string Loadable(string library)
    {
        if (!OperatingSystem.IsLinux() || SystemHas(Version))
            return library;
        var bytes = File.ReadAllBytes(library);
        if (!ElfVersionNeeds.TryWeaken(bytes, "libstdc++.so.6", Version))
            return library;
        var name = Convert.ToHexStringLower(SHA256.HashData(bytes))[..16];
        var copy = Path.Combine(CacheFolder.Path, "libtorch", name, Path.GetFileName(library));
        if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(bytes))
            AtomicFile.Write(copy, stream => stream.Write(bytes));
        return copy;
    }

    // The version's name stands in the library's string table where it defines it.
    private static bool SystemHas(string version)
    {
        var path = File.ReadLines("/proc/self/maps").Select(line => line[(line.LastIndexOf(' ') + 1)..]).FirstOrDefault(file => file.Contains("/libstdc++.so.6", StringComparison.Ordinal));
        return path is null || File.ReadAllBytes(path).AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(version + '\0')) >= 0;
    }
}
