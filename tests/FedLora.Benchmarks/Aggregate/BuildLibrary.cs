using System.Reflection;
using System.Runtime.Loader;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>
/// Another build's adapters and aggregation under this benchmark's own code: the code is loaded a second time, and what it refers to comes
/// from that build's folder. What differs between the two fails where it is first used.
/// </summary>
internal sealed class BuildLibrary : AssemblyLoadContext
{
    private static readonly string[] Theirs = ["FedLora.Core", "FedLora.Adapters", "FedLora.Aggregation"];
    private readonly string _folder;

    private BuildLibrary(string folder) => _folder = folder;

    /// <summary><see cref="CostCases.Prepare"/> over that build's library.</summary>
    /// <param name="folder">Of the build's <c>fedlora.dll</c>, or of any program with its libraries.</param>
    /// <param name="name">Of the case.</param>
    public static Func<double> Prepare(string folder, string name)
    {
        var own = new BuildLibrary(folder).LoadFromAssemblyPath(typeof(CostCases).Assembly.Location);
        return own.GetType(typeof(CostCases).FullName!)!.GetMethod(nameof(CostCases.Prepare))!
            .CreateDelegate<Func<string, Func<double>>>()(name);
    }

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var path = Path.Combine(_folder, $"{assemblyName.Name}.dll");
        return Theirs.Contains(assemblyName.Name) && File.Exists(path) ? LoadFromAssemblyPath(path) : null;
    }
}
