using System.Runtime.InteropServices;

namespace FedLora.Training.Libtorch;

/// <summary>
/// Loads libtorch and TorchSharp's native library before TorchSharp looks for them, from the folder that <c>$LIBTORCH</c> names (or its <c>lib</c>), from
/// beside the program, or from the <c>.build</c> folder of the tree that it was built in. TorchSharp then finds them by their names, since they are loaded.
/// </summary>
internal static class LibtorchLoader
{
    private static readonly Lazy<string?> _folder = new(LoadAll);

    // Each before those that need it: what lies elsewhere (a patched copy) finds them because they are there.
    private static readonly string[] _libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    /// <summary>Loads them, once; to be called before anything of TorchSharp is.</summary>
    /// <returns>The folder that libtorch was loaded from; null where TorchSharp finds it by itself (its CUDA packages).</returns>
    /// <exception cref="FedLoraException"><c>libtorch-missing</c>, <c>libstdcxx-too-old</c>.</exception>
    public static string? EnsureLoaded() => _folder.Value;

    private static string? LoadAll()
    {
        var folders = Folders().Where(Directory.Exists).ToArray();
        if (Find(folders, "torch_cpu") is not { } libtorch)
            return null;
        if (Find(folders, "LibTorchSharp") is not { } torchSharp)
            throw Missing($"{FileName("LibTorchSharp")} is in none of {string.Join(", ", folders)}.");
        var folder = Path.GetDirectoryName(libtorch)!;
        foreach (var library in _libraries)
        {
            if (Find([folder], library) is { } path)
                Open(path);
        }
        Open(LibstdcxxCompatibility.Loadable(torchSharp));
        return folder;
    }

    private static void Open(string path)
    {
        try
        {
            NativeLibrary.Load(path);
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            throw Missing($"{path} cannot be loaded: {error.Message.ReplaceLineEndings(" ").Trim()}", error);
        }
    }

    private static FedLoraException Missing(string what, Exception? inner = null) => new(
        "libtorch-missing", $"libtorch is not usable here: {what}", "Start FedLora through ./fedlora, which places it; or set LIBTORCH to a folder of libtorch 2.10 that holds TorchSharp's native library too.", inner);

    private static string? Find(IEnumerable<string> folders, string library) =>
        folders.Select(folder => Path.Combine(folder, FileName(library))).FirstOrDefault(File.Exists);

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    private static IEnumerable<string> Folders()
    {
        if (Environment.GetEnvironmentVariable("LIBTORCH") is { Length: > 0 } named)
        {
            yield return Path.GetFullPath(named);
            yield return Path.GetFullPath(Path.Combine(named, "lib"));
        }
        var rid = OperatingSystem.IsWindows() ? "win-x64" : OperatingSystem.IsMacOS() ? "osx-arm64" : "linux-x64";
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            yield return Path.Combine(folder.FullName, "libtorch", rid);
            yield return Path.Combine(folder.FullName, ".build", "libtorch", rid);
        }
    }
}
