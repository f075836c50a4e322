using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// Real client processes that train a real model, killed with -9: the federation goes on without them, and they come back by themselves, as
/// the nodes they were.
/// </summary>
public sealed class RealClientTests : IDisposable
{
    // Less than an update (some 400 kB), more than two of its chunks and far more than all that a node says besides, however long it
    // trains.
    private const long MidUpload = 260_000;
    private const long Chunk = ChunkSender.ChunkSize;

    private readonly RealSites _sites = new();

    [Fact]
    public async Task Killed_in_training_and_in_mid_upload_it_comes_back_and_the_round_counts_it()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var proxy = new StallingProxy(coordinator.Url);
        using var federation = await _sites.CreateAsync(coordinator, rounds: 1, steps: 100, quorum: 2, deadlineSeconds: 600);
        var token = await federation.TokenAsync(2);
        // Where a token may come from without standing in the list of processes.
        using var other = RunningProgram.Client(_sites.Arguments(coordinator.Url, "b"), [("FEDLORA_JOIN_TOKEN", token)]);
        using (var first = RunningProgram.Client([.. _sites.Arguments(proxy.Url, "a"), "--token-file", _sites.Keep("token", token)]))
        {
            await TrainsAsync(federation, "a");
            await first.KillAsync();
            Assert.False(first.HasSaid("trained"), "it was killed too late to be in training");
        }

        var identity = await NodeIdAsync(federation, "a");
        var stalled = proxy.StallAfterAsync(MidUpload);
        // From here on it has no token: who it is, it must know from its state folder.
        using (var second = RunningProgram.Client(_sites.Arguments(proxy.Url, "a")))
        {
            await second.SaidAsync("round 1 of mail: trained");
            await stalled.WaitAsync(Limits.Step);
            // What the proxy has passed on the coordinator may not have read yet, and would not after the kill.
            await coordinator.HasReceivedAsync(2 * Chunk);
            await second.KillAsync();
        }

        proxy.GoOn();
        var sentBefore = proxy.Sent;
        using var third = RunningProgram.Client(_sites.Arguments(proxy.Url, "a"));
        await third.SaidAsync("sending the update that is already trained");
        var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(2u, Assert.Single(end.Rounds).Updates);
        Assert.False(third.HasSaid("trained 100 steps"), "an update that is on disk is not trained again");
        Assert.Equal(identity, await NodeIdAsync(federation, "a"));
        var size = Directory.EnumerateFiles(_sites.StateOf("a"), "update-*", SearchOption.AllDirectories)
            .Sum(path => new FileInfo(path).Length);
        Assert.InRange(proxy.Sent - sentBefore, 1, size - Chunk);

        Assert.Equal(0, await third.EndAsync("INT"));
        Assert.Equal(0, await other.EndAsync("TERM"));
        Assert.Equal(0, await coordinator.EndAsync("TERM"));
    }

    [Fact]
    public async Task Killed_for_good_the_round_ends_at_its_deadline_with_quorum_and_a_later_one_has_it_again()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        // Long enough for the other one to train and deliver on a busy machine.
        // Rounds enough for it to come back, however long its start takes.
        using var federation = await _sites.CreateAsync(coordinator, rounds: 1000, steps: 5, quorum: 1, deadlineSeconds: 20);
        var token = await federation.TokenAsync(2);
        string identity;
        // However late it is killed, its update cannot get through.
        using var proxy = new StallingProxy(coordinator.Url);
        _ = proxy.StallAfterAsync(MidUpload);
        using (var first = RunningProgram.Client([.. _sites.Arguments(proxy.Url, "a"), "--token", token]))
        {
            await first.SaidAsync("enrolled at");
            identity = await NodeIdAsync(federation, "a");
            using var other = RunningProgram.Client([.. _sites.Arguments(coordinator.Url, "b"), "--token", token]);
            await first.SaidAsync("round 1 of mail (fedit)");
            await first.KillAsync();
            await federation.UntilAsync(view => view.RoundsDone >= 1);
            using var second = RunningProgram.Client(_sites.Arguments(coordinator.Url, "a"));
            await second.SaidAsync("of mail: the coordinator has the update");
            var later = await federation.UntilAsync(view => view.Rounds.Take((int)view.RoundsDone).Any(round => round.Updates == 2));
            Assert.Equal(1u, later.Rounds[0].Updates);
        }

        Assert.Equal(identity, await NodeIdAsync(federation, "a"));
    }

    public void Dispose() => _sites.Dispose();

    /// <summary>Until the coordinator hears from this node that it trains.</summary>
    private static Task<FederationView> TrainsAsync(TestFederation federation, string name) =>
        federation.UntilAsync(
            view => view.Rounds.Any(round => round.Nodes.Any(node => node.Name == name && node.Phase == TaskPhase.Training)));

    private static async Task<string> NodeIdAsync(TestFederation federation, string name) =>
        Assert.Single(await federation.NodesAsync(), node => node.Name == name).NodeId;
}
