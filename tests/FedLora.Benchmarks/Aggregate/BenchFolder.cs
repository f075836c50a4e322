namespace FedLora.Benchmarks.Aggregate;

/// <summary>A folder for this process' files, which goes with the process.</summary>
internal static class BenchFolder
{
    private static readonly Lazy<string> Found = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Delete(recursive: true);
        return folder.FullName;
    });

    public static string Path => Found.Value;
}
