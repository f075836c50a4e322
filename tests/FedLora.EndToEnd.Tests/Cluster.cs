using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>Coordinators that share one PostgreSQL database, and perhaps one without a silo before them.</summary>
internal static class Cluster
{
    /// <param name="folder">Takes their data folders.</param>
    /// <param name="count">How many silos there are.</param>
    /// <param name="behindFrontend">Whether there is a frontend.</param>
    public static async Task<(IReadOnlyList<CoordinatorProcess> Coordinators, CoordinatorProcess? Frontend)> StartAsync(
        DirectoryInfo folder, int count, bool behindFrontend = false)
    {
        var (first, postgres) = (Path.Combine(folder.FullName, "0"), PostgresServer.NewDatabase());
        var started = new List<CoordinatorProcess> { await CoordinatorProcess.StartAsync(first, "--postgres", postgres) };
        var frontend = behindFrontend ? MoreAsync("frontend", "--frontend") : null;
        started.AddRange(await Task.WhenAll(Enumerable.Range(1, count - 1).Select(i => MoreAsync($"{i}"))));
        return (started, frontend is null ? null : await frontend);

        Task<CoordinatorProcess> MoreAsync(string name, params string[] more)
        {
            // Operators have the same token at every coordinator of a cluster.
            var data = folder.CreateSubdirectory(name).FullName;
            foreach (var token in Directory.EnumerateFiles(first, "*.token")) File.Copy(token, Path.Combine(data, Path.GetFileName(token)));
            return CoordinatorProcess.StartAsync(data, ["--postgres", postgres, .. more]);
        }
    }
}
