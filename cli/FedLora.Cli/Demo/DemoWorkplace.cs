using FedLora.Cli.Output;
using FedLora.Simulations.Demo;

namespace FedLora.Cli.Demo;

/// <summary>
/// A demo's folders: what stays lies under <c>--out</c>, what does not in a temporary folder of its own, so that two demos never meet.
/// </summary>
internal sealed class DemoWorkplace : IDisposable
{
    private readonly DirectoryInfo _temporary;

    internal DemoWorkplace(string folder)
    {
        Out = Path.GetFullPath(folder);
        OutFolder.Create(Logs);
        // Last, so that nothing is left behind where the folder above cannot be had.
        _temporary = Directory.CreateTempSubdirectory("fedlora-demo-");
    }

    internal string Out { get; }

    internal string Logs => Path.Combine(Out, "logs");

    internal string Adapter => Path.Combine(Out, "adapter");

    internal string ServerData => Path.Combine(_temporary.FullName, "server");

    /// <summary>The sites' join token; on a command line everybody could read it.</summary>
    internal string JoinToken => Path.Combine(_temporary.FullName, "join.token");

    internal string NodeState(int site) => Path.Combine(_temporary.FullName, $"site-{site}");

    internal string Scratch(string name) => Path.Combine(_temporary.FullName, name);

    internal DemoData PrepareData(DemoOptions options, CancellationToken cancellationToken) =>
        DemoData.Prepare(Corpora.SpamAssassin, Path.Combine(_temporary.FullName, "data"), options.Nodes, options.Seed, cancellationToken);

    public void Dispose() => _temporary.Delete(recursive: true);

    /// <summary>The first free folder <c>fedlora-demo/N</c> below the current one; making it takes it.</summary>
    internal static string NextFree()
    {
        for (var number = 1; ; number++)
        {
            var folder = Path.Combine(Environment.CurrentDirectory, "fedlora-demo", $"{number}");
            if (Directory.Exists(folder))
                continue;
            Directory.CreateDirectory(folder);
            return folder;
        }
    }
}
