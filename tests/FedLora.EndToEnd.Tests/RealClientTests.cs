using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>Real client processes that train a real model: one is killed with -9 in training and in the middle of its upload, comes back by itself, and the round counts it.</summary>
public sealed class RealClientTests
{
    // Less than an update, more than all that a node says besides.
    private const long MidUpload = 60_000;

    private static string Model => Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder");

    [Fact]
    public async Task Killed_in_training_and_in_mid_upload_it_comes_back_and_the_round_counts_it()
    {
        var scratch = Directory.CreateTempSubdirectory("fedlora-e2e-");
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var proxy = new StallingProxy(coordinator.Url);
        using var federation = await CreateAsync(coordinator, scratch.FullName);
        var token = await federation.TokenAsync(2);
        var arguments = new[] { "--coordinator", proxy.Url, "--token", token, "--name", "a", "--data", Data(scratch.FullName, "a"), "--state", Path.Combine(scratch.FullName, "state-a"), "--model", Model };

        using var other = new ClientProcess("--coordinator", coordinator.Url, "--token", token, "--name", "b", "--data", Data(scratch.FullName, "b"), "--state", Path.Combine(scratch.FullName, "state-b"), "--model", Model);
        using (var first = new ClientProcess(arguments))
        {
            await first.SaidAsync("round 1 of mail (fedit)");
            await federation.UntilAsync(view => view.Rounds.Any(round => round.Nodes.Any(node => node.Name == "a" && node.Phase == TaskPhase.Training)));
            await first.KillAsync();
        }

        var stalled = proxy.StallAfterAsync(MidUpload);
        using (var second = new ClientProcess(arguments))
        {
            await second.SaidAsync("round 1 of mail: trained");
            await stalled.WaitAsync(Limits.Step);
            await second.KillAsync();
        }

        proxy.GoOn();
        using var third = new ClientProcess(arguments);
        await third.SaidAsync("sending the update that is already trained");
        var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(2u, Assert.Single(end.Rounds).Updates);

        Assert.Equal(0, await third.EndAsync("INT"));
        Assert.Equal(0, await other.EndAsync("TERM"));
        Assert.Equal(0, await coordinator.EndAsync("TERM"));
        scratch.Delete(recursive: true);
    }

    private static async Task<TestFederation> CreateAsync(CoordinatorProcess coordinator, string folder)
    {
        var file = Path.Combine(folder, "federation.yaml");
        await File.WriteAllTextAsync(file, """
            name: mail
            method: fedit
            rounds: 1
            task: { kind: classification, labels: [ham, spam] }
            lora: { rank: 32, alpha: 32, target_modules: [query, value] }
            training: { local_steps: 40, batch_size: 16, learning_rate: 0.001, max_tokens: 64, dtype: f32 }
            cohort: { size: 2, quorum: 2, min_nodes: 2, deadline_seconds: 600 }
            """);
        var (code, _, errors) = await Programs.RunAsync("admin", "--data", coordinator.Data, "federation", "create", "-f", file, "--model", Model, "--start");
        Assert.True(code == 0, errors);
        return TestFederation.Of(coordinator, "mail");
    }

    private static string Data(string folder, string site)
    {
        var file = Path.Combine(folder, $"{site}.jsonl");
        var words = string.Join(' ', Enumerable.Repeat("meeting report on tuesday", 20));
        File.WriteAllLines(file, Enumerable.Range(0, 64).Select(i => $$"""{"text":"{{site}} {{i}} {{words}}","label":"{{(i % 2 == 0 ? "ham" : "spam")}}"}"""));
        return file;
    }
}
