using System.Diagnostics;

namespace FedLora.Cli.Processes;

/// <summary>The benchmarks: a program of its own that lies with the tests and is no part of the product.</summary>
public static class BenchmarkProgram
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);
    private static readonly string Program = Path.Combine("tests", "FedLora.Benchmarks", "bin", "Release", "net10.0", "fedlora-bench.dll");

    /// <summary>Looks for it in the source tree around a folder.</summary>
    /// <exception cref="FedLoraException"><c>bench-missing</c>.</exception>
    public static string Find(string from)
    {
        for (var folder = new DirectoryInfo(from); folder is not null; folder = folder.Parent)
        {
            var program = Path.Combine(folder.FullName, Program);
            if (File.Exists(program))
                return program;
        }
        throw new FedLoraException("bench-missing", $"The benchmarks are not here: no folder above {from} has {Program}.",
            "They come with the sources, not with the program: start ./fedlora bench in a source tree, which builds them.");
    }

    /// <summary>Runs it on this process's standard streams.</summary>
    /// <returns>Its exit code.</returns>
    internal static async Task<int> RunAsync(IEnumerable<string> words, CancellationToken cancellationToken)
    {
        var host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        using var process = Process.Start(new ProcessStartInfo(host, ["exec", Find(AppContext.BaseDirectory), .. words]))
            ?? throw new FedLoraException("process-failed", "cannot start the benchmarks", "is 'dotnet' on the PATH?");
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C reaches it as well; it ends what it has started.
            using var limit = new CancellationTokenSource(Grace);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
            throw;
        }
        return process.ExitCode;
    }
}
