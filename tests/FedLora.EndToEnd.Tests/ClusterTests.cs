using System.Diagnostics;
using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>Three coordinators on one PostgreSQL: one is killed with -9 in mid-round, and nodes and operator, who have the list of all, go on at the others.</summary>
public sealed class ClusterTests
{
    private const uint Rounds = 2;
    private const int Modules = 4;

    private static readonly CohortRules BothNodes = new() { Size = 2, Quorum = 2, MinNodes = 2, DeadlineSeconds = 600 };

    [Fact]
    public async Task One_of_three_is_killed_and_the_federation_ends_with_the_adapter_of_one_coordinator_alone()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        string alone;
        await using (var coordinator = await CoordinatorProcess.StartAsync())
            alone = await RunAsync(coordinator, coordinator.Url, null);

        var postgres = PostgresServer.NewDatabase();
        await using var first = await CoordinatorProcess.StartAsync(null, "--dashboard", "off", "--postgres", postgres);
        await using var second = await CoordinatorProcess.StartAsync(Like(first), "--dashboard", "off", "--postgres", postgres);
        await using var third = await CoordinatorProcess.StartAsync(Like(first), "--dashboard", "off", "--postgres", postgres);
        var took = TimeSpan.Zero;
        var clustered = await RunAsync(first, $"{first.Url},{second.Url},{third.Url}", async federation =>
        {
            await first.KillAsync();
            var since = Stopwatch.StartNew();
            await federation.ShowAsync();
            took = since.Elapsed;
        });
        Assert.Equal(alone, clustered);
        TestContext.Current.TestOutputHelper?.WriteLine($"first call after the kill: {took.TotalSeconds:f2} s");
        Assert.True(took < TimeSpan.FromSeconds(20), $"the first call after the kill took {took.TotalSeconds:f1} s");
    }

    [Fact]
    public async Task A_data_folder_of_another_coordinator_does_not_join()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        var postgres = PostgresServer.NewDatabase();
        await using var first = await CoordinatorProcess.StartAsync(null, "--dashboard", "off", "--postgres", postgres);
        var folder = Directory.CreateTempSubdirectory("fedlora-e2e-");
        var (code, _, errors) = await Programs.RunAsync("server", "--data", folder.FullName, "--listen", "http://127.0.0.1:0", "--dashboard", "off", "--postgres", postgres);
        Assert.Equal(1, code);
        Assert.Contains("has not the cluster's tokens", errors);
        Assert.DoesNotContain(folder.EnumerateFiles(), file => file.Name.EndsWith(".token", StringComparison.Ordinal));
        folder.Delete(recursive: true);
    }

    private static async Task<string> RunAsync(CoordinatorProcess coordinator, string addresses, Func<TestFederation, Task>? kill)
    {
        using var federation = await TestFederation.CreateAsync(coordinator, Rounds, Modules, BothNodes, addresses);
        var nodes = await federation.EnrolAsync(2);
        await federation.StartAsync();
        for (var round = 1u; round <= Rounds; round++)
        {
            var tasks = await Task.WhenAll(nodes.Select(node => node.NextTaskAsync()));
            var updates = new List<byte[]>();
            for (var i = 0; i < nodes.Length; i++)
                updates.Add(nodes[i].Train(tasks[i], await nodes[i].FetchAsync(tasks[i])));
            await UploadAsync(nodes[0], tasks[0], updates[0]);
            if (round == 1 && kill is not null)
            {
                await kill(federation);
                Assert.True((await UploadAsync(nodes[0], tasks[0], updates[0])).First.Complete, "an acknowledged update was lost");
            }
            await UploadAsync(nodes[1], tasks[1], updates[1]);
            await federation.UntilAsync(view => view.RoundsDone >= round);
        }
        var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
        foreach (var node in nodes)
            node.Dispose();
        return end.Adapter.Sha256;
    }

    private static Task<(UpdateAck First, UpdateAck Last)> UploadAsync(TestNode node, TrainingTask task, byte[] update) =>
        TestNode.RetryAsync(() => node.UploadAsync(TestNode.Header(task, update), update));

    // What the coordinators of a cluster have in common.
    private static string Like(CoordinatorProcess other)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-e2e-").FullName;
        foreach (var name in (string[])["operator.token", "auditor.token"])
            File.Copy(Path.Combine(other.Data, name), Path.Combine(folder, name));
        return folder;
    }
}
