using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>Real client processes that train a real model, killed with -9: the federation goes on without them, and they come back by themselves, as the nodes they were.</summary>
public sealed class RealClientTests : IDisposable
{
    // Less than an update, more than two of its chunks and all that a node says besides.
    private const long MidUpload = 150_000;
    private const long Chunk = ChunkSender.ChunkSize;

    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("fedlora-e2e-");

    private static string Model => Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder");

    [Fact]
    public async Task Killed_in_training_and_in_mid_upload_it_comes_back_and_the_round_counts_it()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var proxy = new StallingProxy(coordinator.Url);
        using var federation = await CreateAsync(coordinator, rounds: 1, steps: 100, quorum: 2, deadlineSeconds: 600);
        var token = await federation.TokenAsync(2);
        using var other = new ClientProcess([.. Arguments(coordinator.Url, "b"), "--token", token]);
        using (var first = new ClientProcess([.. Arguments(proxy.Url, "a"), "--token", token]))
        {
            await TrainsAsync(federation, "a");
            await first.KillAsync();
            Assert.False(first.HasSaid("trained"), "it was killed too late to be in training");
        }

        var identity = await NodeIdAsync(federation, "a");
        var stalled = proxy.StallAfterAsync(MidUpload);
        // From here on it has no token: who it is, it must know from its state folder.
        using (var second = new ClientProcess(Arguments(proxy.Url, "a")))
        {
            await second.SaidAsync("round 1 of mail: trained");
            await stalled.WaitAsync(Limits.Step);
            await second.KillAsync();
        }

        proxy.GoOn();
        var sentBefore = proxy.Sent;
        using var third = new ClientProcess(Arguments(proxy.Url, "a"));
        await third.SaidAsync("sending the update that is already trained");
        var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(2u, Assert.Single(end.Rounds).Updates);
        Assert.False(third.HasSaid("trained 100 steps"), "an update that is on disk is not trained again");
        Assert.Equal(identity, await NodeIdAsync(federation, "a"));
        var size = Directory.EnumerateFiles(Path.Combine(_scratch.FullName, "state-a"), "update-*", SearchOption.AllDirectories).Sum(path => new FileInfo(path).Length);
        Assert.InRange(proxy.Sent - sentBefore, 1, size - Chunk);

        Assert.Equal(0, await third.EndAsync("INT"));
        Assert.Equal(0, await other.EndAsync("TERM"));
        Assert.Equal(0, await coordinator.EndAsync("TERM"));
    }

    [Fact]
    public async Task Killed_for_good_the_round_ends_at_its_deadline_with_quorum_and_the_next_one_has_it_again()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var federation = await CreateAsync(coordinator, rounds: 2, steps: 5, quorum: 1, deadlineSeconds: 6);
        var token = await federation.TokenAsync(2);
        string identity;
        using (var first = new ClientProcess([.. Arguments(coordinator.Url, "a"), "--token", token]))
        {
            await first.SaidAsync("waiting");
            identity = await NodeIdAsync(federation, "a");
            using var other = new ClientProcess([.. Arguments(coordinator.Url, "b"), "--token", token]);
            await first.SaidAsync("round 1 of mail (fedit)");
            await first.KillAsync();
            Assert.False(first.HasSaid("the coordinator has the update"), "it was killed too late");
            await federation.UntilAsync(view => view.RoundsDone == 1);
            using var second = new ClientProcess(Arguments(coordinator.Url, "a"));
            await second.SaidAsync("round 2 of mail: the coordinator has the update");
            var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
            Assert.Equal([1u, 2u], end.Rounds.Select(round => round.Updates));
        }

        Assert.Equal(identity, await NodeIdAsync(federation, "a"));
    }

    public void Dispose() => _scratch.Delete(recursive: true);

    /// <summary>Until the coordinator hears from this node that it trains.</summary>
    private static Task<FederationView> TrainsAsync(TestFederation federation, string name) =>
        federation.UntilAsync(view => view.Rounds.Any(round => round.Nodes.Any(node => node.Name == name && node.Phase == TaskPhase.Training)));

    private static async Task<string> NodeIdAsync(TestFederation federation, string name) =>
        Assert.Single(await federation.NodesAsync(), node => node.Name == name).NodeId;

    private async Task<TestFederation> CreateAsync(CoordinatorProcess coordinator, int rounds, int steps, int quorum, int deadlineSeconds)
    {
        var file = Path.Combine(_scratch.FullName, "federation.yaml");
        await File.WriteAllTextAsync(file, $$"""
            name: mail
            method: fedit
            rounds: {{rounds}}
            task: { kind: classification, labels: [ham, spam] }
            lora: { rank: 32, alpha: 32, target_modules: [query, value] }
            training: { local_steps: {{steps}}, batch_size: 8, learning_rate: 0.001, max_tokens: 16, dtype: f32 }
            cohort: { size: 2, quorum: {{quorum}}, min_nodes: 2, deadline_seconds: {{deadlineSeconds}} }
            """);
        var (code, _, errors) = await Programs.RunAsync("admin", "--data", coordinator.Data, "federation", "create", "-f", file, "--model", Model, "--start");
        Assert.True(code == 0, errors);
        return TestFederation.Of(coordinator, "mail");
    }

    private string[] Arguments(string url, string site) =>
        ["--coordinator", url, "--name", site, "--data", Data(site), "--state", Path.Combine(_scratch.FullName, $"state-{site}"), "--model", Model];

    private string Data(string site)
    {
        var file = Path.Combine(_scratch.FullName, $"{site}.jsonl");
        var words = string.Join(' ', Enumerable.Repeat("meeting report on tuesday", 20));
        File.WriteAllLines(file, Enumerable.Range(0, 64).Select(i => $$"""{"text":"{{site}} {{i}} {{words}}","label":"{{(i % 2 == 0 ? "ham" : "spam")}}"}"""));
        return file;
    }
}
