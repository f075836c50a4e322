using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace FedLora.Training.Libtorch;

/// <summary>
/// Finds libtorch and TorchSharp's native library when TorchSharp first asks for them: in the folder that <c>$LIBTORCH</c> names (or its
/// <c>lib</c>), beside the program, or in the <c>.build</c> folder of the tree that it was built in.
/// </summary>
internal static class LibtorchLoader
{
    private static readonly Lock _gate = new();
    private static readonly Dictionary<string, nint> _loaded = [];

    /// <summary>The folder that libtorch was loaded from; null before the first use, and where the system's search path served it.</summary>
    public static string? Folder { get; private set; }

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The resolver must stand before TorchSharp's first call, whoever makes it.")]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        lock (_gate)
        {
            if (_loaded.TryGetValue(name, out var known))
                return known;
            return _loaded[name] = Load(name);
        }
    }

    private static nint Load(string name)
    {
        var file = FileName(name);
        foreach (var folder in Folders())
        {
            var path = Path.Combine(folder, file);
            if (!File.Exists(path))
                continue;
            if (name == "LibTorchSharp")
            {
                // Its dependencies by name are found because they are loaded already, wherever the (patched) library itself lies.
                foreach (var needed in (string[])["c10", "torch_cpu", "torch"])
                    Preload(needed);
                path = LibstdcxxCompatibility.Loadable(path);
            }
            Folder ??= folder;
            return NativeLibrary.Load(path);
        }
        return 0;
    }

    private static void Preload(string name)
    {
        if (!_loaded.ContainsKey(name))
            _loaded[name] = Load(name);
    }

    private static string FileName(string name) =>
        OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";

    private static IEnumerable<string> Folders()
    {
        if (Environment.GetEnvironmentVariable("LIBTORCH") is { Length: > 0 } named)
        {
            yield return named;
            yield return Path.Combine(named, "lib");
        }
        var rid = OperatingSystem.IsWindows() ? "win-x64" : OperatingSystem.IsMacOS() ? "osx-arm64" : "linux-x64";
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            yield return Path.Combine(folder.FullName, "libtorch", rid);
            yield return Path.Combine(folder.FullName, ".build", "libtorch", rid);
        }
    }
}
