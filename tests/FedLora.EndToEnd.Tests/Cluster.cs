using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>Coordinators that share one PostgreSQL database.</summary>
internal static class Cluster
{
    /// <param name="folder">Takes their data folders.</param>
    /// <param name="count">How many there are.</param>
    public static async Task<IReadOnlyList<CoordinatorProcess>> StartAsync(DirectoryInfo folder, int count)
    {
        var (first, postgres) = (Path.Combine(folder.FullName, "0"), PostgresServer.NewDatabase());
        var started = new List<CoordinatorProcess> { await CoordinatorProcess.StartAsync(first, "--postgres", postgres) };
        started.AddRange(await Task.WhenAll(Enumerable.Range(1, count - 1).Select(async i =>
        {
            // Operators have the same token at every coordinator of a cluster.
            var data = folder.CreateSubdirectory($"{i}").FullName;
            foreach (var token in Directory.EnumerateFiles(first, "*.token")) File.Copy(token, Path.Combine(data, Path.GetFileName(token)));
            return await CoordinatorProcess.StartAsync(data, "--postgres", postgres);
        })));
        return started;
    }
}
