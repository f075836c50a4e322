using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace FedLora.Training.Libtorch;

/// <summary>
/// Loads libtorch and TorchSharp's native library before TorchSharp looks for them, from the folder that <c>$LIBTORCH</c> names (or its
/// <c>lib</c>), from beside the program, or from the <c>.build</c> folder of the tree that it was built in. TorchSharp then finds them by
/// their names, since they are loaded.
/// </summary>
/// <remarks>
/// Where TorchSharp finds nothing it copies half a gigabyte into the program's folder before it fails; so this must come first, and fail
/// first.
/// </remarks>
public static class LibtorchLoader
{
    private static readonly Lazy<nint> Libtorch = new(LoadAll);

    // Each before those that need it: what lies elsewhere (a patched copy) finds them because they are there.
    private static readonly string[] Libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    /// <summary>Loads them, once; to be called before anything of TorchSharp is.</summary>
    /// <returns>libtorch's handle: symbols of it, and of what it was linked with.</returns>
    /// <exception cref="FedLoraException"><c>libtorch-missing</c>, <c>libstdcxx-too-old</c>.</exception>
    public static nint EnsureLoaded() => Libtorch.Value;

    /// <summary>Whether the libtorch that was loaded can compute on a GPU.</summary>
    internal static bool HasCuda { get; private set; }

    /// <summary>Loads them and has libtorch compute with so many threads.</summary>
    /// <exception cref="FedLoraException">As <see cref="EnsureLoaded"/>.</exception>
    public static void UseThreads(int threads)
    {
        EnsureLoaded();
        torch.set_num_threads(threads);
    }

    private static nint LoadAll()
    {
        var folders = Folders().Where(Directory.Exists).ToArray();
        var libtorch = Find(folders, "torch_cpu") ?? throw Missing($"{FileName("torch_cpu")} is in none of {string.Join(", ", folders)}.");
        var torchSharp = Find(folders, "LibTorchSharp")
            ?? throw Missing($"{FileName("LibTorchSharp")} is in none of {string.Join(", ", folders)}.");
        var folder = Path.GetDirectoryName(libtorch)!;
        var loaded = Libraries.Where(library => File.Exists(Path.Combine(folder, FileName(library))))
            .ToDictionary(library => library, library => Open(Path.Combine(folder, FileName(library))));
        HasCuda = loaded.ContainsKey("torch_cuda");
        loaded["LibTorchSharp"] = Open(LibstdcxxCompatibility.Loadable(torchSharp, CacheFolder.Path));
        // Not every system's loader finds by its name what was loaded by its path.
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => loaded.GetValueOrDefault(name);
        return loaded["torch_cpu"];
    }

    private static nint Open(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            throw Missing($"{path} cannot be loaded: {error.Message.ReplaceLineEndings(" ").Trim()}", error);
        }
    }

    private static FedLoraException Missing(string what, Exception? inner = null) => new(
        "libtorch-missing", $"libtorch is not usable here: {what}",
        "Start FedLora through ./fedlora, which places it; or set LIBTORCH to a folder that holds libtorch 2.10.", inner);

    private static string? Find(IEnumerable<string> folders, string library) =>
        folders.Select(folder => Path.Combine(folder, FileName(library))).FirstOrDefault(File.Exists);

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    private static IEnumerable<string> Folders()
    {
        if (Environment.GetEnvironmentVariable("LIBTORCH") is { Length: > 0 } named)
        {
            string[] places = [Path.GetFullPath(named), Path.GetFullPath(Path.Combine(named, "lib"))];
            if (Find(places, "torch_cpu") is null)
                throw Missing($"LIBTORCH names {named}, which holds no {FileName("torch_cpu")}.");
            foreach (var place in places)
                yield return place;
        }
        var rid = OperatingSystem.IsWindows() ? "win-x64" : OperatingSystem.IsMacOS() ? "osx-arm64" : "linux-x64";
        // As packages for a GPU are built and published, as FedLora is packed, and where it was built.
        yield return AppContext.BaseDirectory;
        yield return Path.Combine(AppContext.BaseDirectory, "runtimes", rid, "native");
        yield return Path.Combine(AppContext.BaseDirectory, "libtorch", rid);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FedLora.sln")))
                yield return Path.Combine(folder.FullName, ".build", "libtorch", rid);
        }
    }
}
