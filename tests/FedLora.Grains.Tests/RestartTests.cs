namespace FedLora.Grains.Tests;

/// <summary>The coordinator is killed in each phase: nothing acknowledged is lost, and the same adapter comes out.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task While_waiting_for_nodes()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await coordinator.PollAsync("a");
        await coordinator.KillAndRestartAsync();
        Assert.Equal(FederationState.Running, (await coordinator.Federation.GetAsync(default)).State);
        await FinishRoundAsync(coordinator, 1, gather: true);
    }

    /// <summary>It was "never, 0 B" for a node that had been killed less than a minute before its coordinator.</summary>
    [Fact]
    public async Task What_was_seen_of_a_node_that_has_gone_is_kept()
    {
        await using var coordinator = await RoundTests.StartAsync();
        var node = coordinator.Node("a");
        await node.ConnectedAsync(new("one", SiloAddress.Zero), default);
        await node.PollAsync(new()
        {
            Profile = new() { ModelFingerprints = [Samples.Fingerprint] },
            Traffic = new() { Sent = 1_500_000, Received = 7 },
        }, default);
        await node.DisconnectedAsync("one", default);
        var before = await node.GetAsync(default);
        await coordinator.KillAndRestartAsync();
        var after = await coordinator.Node("a").GetAsync(default);
        Assert.NotNull(after.LastSeen);
        Assert.Equal((before.LastSeen, 1_500_000, 7, false), (after.LastSeen, after.Traffic!.Sent, after.Traffic.Received, after.Online));
    }

    [Fact]
    public async Task While_the_round_is_open_with_some_updates_in()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var half = coordinator.Header("b", 1, 1, Samples.Update(2));
        await coordinator.DeliverAsync("a", 1);
        await (await coordinator.Receiver.BeginAsync(half, default))
            .AppendAsync(Samples.Update(2).ToBytes().AsMemory(0, 100), durable: true, default);
        await coordinator.KillAndRestartAsync();
        var view = await coordinator.Federation.GetAsync(default);
        Assert.Equal((RoundState.Open, 1), (view.Current!.State, view.Current.Nodes.Count(node => node.UpdateIn)));
        Assert.Equal(100, (await coordinator.Receiver.BeginAsync(half, default)).Offset);
        await FinishRoundAsync(coordinator, 1, gather: false);
    }

    [Fact]
    public async Task While_the_deadline_passes()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        await coordinator.DeliverAsync("b", 2);
        await coordinator.KillAndRestartAsync();
        var view = await coordinator.AdvanceUntilAsync(TimeSpan.FromMinutes(11), seen => seen.RoundsDone == 1);
        Assert.Equal(2, view.History[0].Updates);
    }

    /// <summary>A round makes about eight writes; the process dies at each of them in turn, with the write lost or done.</summary>
    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task At_every_single_write(int write, bool done)
    {
        await using var coordinator = await RoundTests.StartAsync(Samples.Definition with { Rounds = 1 });
        var global = await coordinator.Blobs.GetAdapterAsync((await coordinator.Federation.GetAsync(default)).Adapter.Sha256, default);
        await coordinator.KillAndRestartAsync(new() { DiesAt = write, AfterWriting = done });
        var (acknowledged, deaths) = (new HashSet<string>(StringComparer.Ordinal), 0);
        while (!await IsDoneAsync())
        {
            if (coordinator.IsDead)
            {
                deaths++;
                await coordinator.KillAndRestartAsync();
            }
        }

        var view = await coordinator.UntilAsync(seen => seen.RoundsDone == 1);
        Assert.Equal(
            Samples.Expected(global, 1, (coordinator.IdOf("a"), 10, 1), (coordinator.IdOf("b"), 10, 2), (coordinator.IdOf("c"), 10, 3)),
            view.Adapter.Sha256);
        var record = await coordinator.Federation.GetRoundAsync(1, default);
        Assert.Subset(record.Updates.Select(update => update.Header.NodeId).ToHashSet(StringComparer.Ordinal), acknowledged);
        Assert.InRange(deaths, write <= 5 ? 1 : 0, 1);
        Assert.Equal(FederationState.Finished, view.State);

        // One pass over the nodes, then a wait until something has changed since it began, or the process is dead.
        async Task<bool> IsDoneAsync()
        {
            try
            {
                var seen = await coordinator.Federation.WatchAsync(0, TimeSpan.Zero, default);
                // Asked in a turn of its own: the commit is over, or the grain has died of it.
                if ((await coordinator.Federation.GetAsync(default)).RoundsDone == 1)
                    return !coordinator.IsDead;
                foreach (var (name, seed) in new[] { ("a", 1), ("b", 2), ("c", 3) })
                    await WorkAsync(coordinator, name, seed, acknowledged);
                await await Task.WhenAny(coordinator.Died, coordinator.ChangeAsync(seen));
            }
            catch (Exception error) when (error is OrleansException or InvalidOperationException)
            {
                // What a node meets while its coordinator is dying.
            }

            return false;
        }
    }

    public static TheoryData<int, bool> Deaths()
    {
        var data = new TheoryData<int, bool>();
        for (var write = 1; write <= 8; write++)
        {
            data.Add(write, false);
            data.Add(write, true);
        }

        return data;
    }

    [Fact]
    public async Task A_round_replays_to_the_same_hash_until_its_updates_are_pruned()
    {
        var definition = Samples.Definition with { Retention = new() { UpdateRounds = 1 } };
        await using var coordinator = await RoundTests.StartAsync(definition);
        await FinishRoundAsync(coordinator, 1, gather: true);
        var replayer = coordinator.Service<RoundReplayer>();
        var result = await replayer.ReplayAsync("demo", 1, default);
        Assert.Equal(result.StoredSha256, result.ReplayedSha256);
        await FinishRoundAsync(coordinator, 2, gather: true);
        result = await replayer.ReplayAsync("demo", 2, default);
        Assert.Equal(result.StoredSha256, result.ReplayedSha256);
        await RoundTests.RefusedAsync(RefusalCodes.UpdatesPruned, () => replayer.ReplayAsync("demo", 1, default));
        await RoundTests.RefusedAsync(RefusalCodes.RoundUnknown, () => replayer.ReplayAsync("demo", 3, default));
    }

    private static async Task WorkAsync(Coordinator coordinator, string name, int seed, HashSet<string> acknowledged)
    {
        if ((await coordinator.PollAsync(name)).Task is not { } task)
            return;
        await coordinator.SendAsync(coordinator.Header(name, task.Round, task.Attempt, Samples.Update(seed)), Samples.Update(seed));
        acknowledged.Add(coordinator.IdOf(name));
    }

    private static async Task FinishRoundAsync(Coordinator coordinator, int round, bool gather)
    {
        if (gather)
            await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        foreach (var (name, seed) in new[] { ("a", 1), ("b", 2), ("c", 3) })
        {
            if ((await coordinator.PollAsync(name)).Task is not null)
                await coordinator.DeliverAsync(name, (round * 100) + seed);
        }

        Assert.Equal(3, (await coordinator.UntilAsync(view => view.RoundsDone == round)).History[^1].Updates);
    }
}
