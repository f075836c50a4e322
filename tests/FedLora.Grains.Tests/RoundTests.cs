using System.Diagnostics;

namespace FedLora.Grains.Tests;

/// <summary>Rounds from sampling to commit: quorum, deadline, repetition, pause.</summary>
public sealed class RoundTests
{
    [Fact]
    public async Task A_federation_runs_its_rounds_to_the_end()
    {
        await using var coordinator = await StartAsync();
        var view = await coordinator.Federation.GetAsync(default);
        Assert.Equal(FederationState.Running, view.State);
        Assert.Contains("waits for 3 nodes, 0 here", view.Reason, StringComparison.Ordinal);
        for (var round = 1; round <= 3; round++)
        {
            var global = await coordinator.Blobs.GetAdapterAsync(view.Adapter.Sha256, default);
            await GatherAsync(coordinator, "a", "b", "c");
            var expected = Samples.Expected(global, round, (coordinator.IdOf("a"), 10, round), (coordinator.IdOf("b"), 20, round + 10),
                (coordinator.IdOf("c"), 30, round + 20));
            await coordinator.DeliverAsync("c", round + 20, 30);
            await coordinator.DeliverAsync("a", round, 10);
            await coordinator.DeliverAsync("b", round + 10, 20);
            view = await coordinator.UntilAsync(seen => seen.RoundsDone == round);
            Assert.Equal(expected, view.Adapter.Sha256);
            Assert.Equal(3, view.History[^1].Updates);
        }

        Assert.Equal(FederationState.Finished, view.State);
        Assert.Null((await coordinator.PollAsync("a")).Task);
    }

    [Fact]
    public async Task The_bytes_do_not_depend_on_the_order_of_arrival()
    {
        var hashes = new List<string>();
        foreach (var order in new[] { new[] { 0, 1, 2 }, [2, 1, 0], [1, 2, 0] })
        {
            await using var coordinator = await StartAsync();
            await GatherAsync(coordinator, "a", "b", "c");
            // Node ids are random: content follows their order, so that the same set comes in each time.
            var names = new[] { "a", "b", "c" }.OrderBy(coordinator.IdOf, StringComparer.Ordinal).ToArray();
            foreach (var index in order)
                await coordinator.DeliverAsync(names[index], seed: index, examples: index + 1);
            hashes.Add((await coordinator.UntilAsync(view => view.RoundsDone == 1)).Adapter.Sha256);
        }

        Assert.Single(hashes.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public async Task At_the_deadline_quorum_is_enough()
    {
        await using var coordinator = await StartAsync();
        await GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        await coordinator.DeliverAsync("b", 2);
        coordinator.Time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(RoundState.Open, (await coordinator.Federation.GetAsync(default)).Current!.State);
        var view = await coordinator.AdvanceUntilAsync(TimeSpan.FromSeconds(61), seen => seen.RoundsDone == 1);
        Assert.Equal(2, view.History[0].Updates);
        var late = coordinator.Header("c", 1, 1, Samples.Update(3));
        await RefusedAsync(RefusalCodes.RoundClosed, () => coordinator.SendAsync(late, Samples.Update(3)));
    }

    [Fact]
    public async Task Without_quorum_the_round_is_repeated_and_then_the_federation_pauses_and_says_why()
    {
        await using var coordinator = await StartAsync();
        await GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        var view = await coordinator.AdvanceUntilAsync(TimeSpan.FromMinutes(5), seen => seen.Current!.Attempt == 2);
        Assert.Equal(RoundState.Sampling, view.Current!.State);
        // What was acknowledged counts: two more nodes make three.
        await GatherAsync(coordinator, "b", "c");
        view = await coordinator.Federation.GetAsync(default);
        Assert.Equal((RoundState.Open, 2, 1), (view.Current!.State, view.Current.Attempt, view.Current.Nodes.Count(node => node.UpdateIn)));
        Assert.Null((await coordinator.PollAsync("a")).Task);
        view = await coordinator.AdvanceUntilAsync(TimeSpan.FromMinutes(5), seen => seen.State == FederationState.Paused);
        Assert.Contains("Round 1 ended without quorum 2 times: 1 of 2 needed updates at the deadline", view.Reason,
            StringComparison.Ordinal);
        Assert.Null((await coordinator.PollAsync("b")).Task);

        await coordinator.Federation.StartAsync(default);
        await GatherAsync(coordinator, "b", "c");
        await coordinator.DeliverAsync("b", 2);
        await coordinator.DeliverAsync("c", 3);
        Assert.Equal(3, (await coordinator.UntilAsync(seen => seen.RoundsDone == 1)).History[0].Updates);
    }

    [Fact]
    public async Task Waiting_for_nodes_is_bounded_too()
    {
        await using var coordinator = await StartAsync();
        await coordinator.PollAsync("a");
        var view = await coordinator.AdvanceUntilAsync(TimeSpan.FromMinutes(7), seen => seen.State == FederationState.Paused);
        Assert.Contains("waited 01:00:00 for 3 nodes", view.Reason, StringComparison.Ordinal);
    }

    /// <summary>A call waits for half a minute; a grain may be busy for longer, and must hear of its aggregation all the same.</summary>
    [Fact]
    public async Task A_federation_too_busy_to_hear_of_its_aggregation_hears_of_it_later()
    {
        await using var coordinator = await StartAsync();
        await GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        await coordinator.DeliverAsync("b", 2);
        coordinator.Life.HoldWrites();
        var last = coordinator.DeliverAsync("c", 3);
        await coordinator.Life.StandsAsync();
        // Queued behind the update: its write then stands at the gate while the round is aggregated, so that the grain hears nothing.
        var pause = coordinator.Federation.PauseAsync("maintenance", default);
        coordinator.Life.PassOne();
        await coordinator.Life.StandsAsync();
        await last;
        for (var started = Stopwatch.GetTimestamp(); !pause.IsCompleted;)
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Coordinator.Never, "the pause is still waited for");
            coordinator.Time.Advance(TimeSpan.FromSeconds(31));
            // A turn of somebody else's, while the call's time runs out.
            await Task.WhenAny(pause, coordinator.Registry.ListFederationsAsync(default));
        }

        await Assert.ThrowsAsync<TimeoutException>(() => pause);
        coordinator.Life.PassAll();
        var view = await coordinator.UntilAsync(seen => seen.RoundsDone == 1);
        Assert.Equal((FederationState.Paused, 3), (view.State, view.History[0].Updates));
    }

    [Fact]
    public async Task A_node_that_says_it_failed_is_not_waited_for()
    {
        await using var coordinator = await StartAsync();
        await GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        await coordinator.DeliverAsync("b", 2);
        var reply = await coordinator.Node("c")
            .ReportAsync(new() { Federation = "demo", Round = 1, Attempt = 1, Phase = TaskPhase.Failed, Reason = "out of memory" },
                default);
        Assert.False(reply.Wanted);
        var view = await coordinator.UntilAsync(seen => seen.RoundsDone == 1);
        Assert.Equal(2, view.History[0].Updates);
        Assert.Equal("out of memory", (await coordinator.Node("c").GetAsync(default)).LastError);
    }

    [Fact]
    public async Task A_node_with_another_base_model_is_left_out_and_told_so()
    {
        await using var coordinator = await StartAsync();
        var reply = await coordinator.PollAsync("a", fingerprint: new string('b', 64));
        Assert.Null(reply.Task);
        Assert.Contains("does not hold the base model tiny (aaaaaaaaaaaa) but bbbbbbbbbbbb", reply.WaitingFor, StringComparison.Ordinal);
        await coordinator.PollAsync("b");
        var view = await coordinator.Federation.GetAsync(default);
        Assert.Equal("a", Assert.Single(view.Excluded).Name);
        Assert.Contains("waits for 3 nodes, 1 here", view.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_waiting_poll_is_woken_by_the_round()
    {
        await using var coordinator = await StartAsync();
        var poll = coordinator.Node("a")
            .PollAsync(new() { Profile = new() { ModelFingerprints = new[] { Samples.Fingerprint } }, Wait = TimeSpan.FromMinutes(1) },
                default);
        await coordinator.UntilAsync(view => view.Reason.Contains("1 here", StringComparison.Ordinal));
        await coordinator.PollAsync("b");
        await coordinator.PollAsync("c");
        Assert.Equal(1, (await poll.WaitAsync(Coordinator.Never)).Task!.Round);
    }

    [Fact]
    public async Task Pausing_and_stopping_take_the_work_away()
    {
        await using var coordinator = await StartAsync();
        await GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        await coordinator.Federation.PauseAsync("maintenance", default);
        Assert.Contains("maintenance", (await coordinator.PollAsync("b")).WaitingFor, StringComparison.Ordinal);
        Assert.False(
            (await coordinator.Node("b")
                .ReportAsync(new() { Federation = "demo", Round = 1, Attempt = 1, Phase = TaskPhase.Training }, default)).Wanted);
        await coordinator.Federation.StartAsync(default);
        await GatherAsync(coordinator, "b", "c");
        Assert.Equal(1, (await coordinator.Federation.GetAsync(default)).Current!.Nodes.Count(node => node.UpdateIn));
        Assert.Equal(FederationState.Stopped, (await coordinator.Federation.StopAsync("enough", default)).State);
        await RefusedAsync(RefusalCodes.FederationState, () => coordinator.Federation.StartAsync(default));
        Assert.Null((await coordinator.PollAsync("b")).Task);
    }

    internal static async Task<Coordinator> StartAsync(FederationDefinition? definition = null)
    {
        var coordinator = await Coordinator.StartAsync();
        await coordinator.EnrolAsync("a", "b", "c");
        await coordinator.Creator.CreateAsync(definition ?? Samples.Definition, null, default);
        await coordinator.Federation.StartAsync(default);
        // The registry is told in the background.
        await coordinator.StoredAsync(
            async () => (await coordinator.Registry.ListFederationsAsync(default))[0].State == FederationState.Running);
        return coordinator;
    }

    /// <summary>All of them are there, so that the round opens.</summary>
    internal static async Task GatherAsync(Coordinator coordinator, params string[] names)
    {
        foreach (var name in names)
            await coordinator.PollAsync(name);
        await coordinator.UntilAsync(view => view.Current?.State == RoundState.Open);
    }

    internal static async Task RefusedAsync(string code, Func<Task> action) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<RefusedException>(action)).Code);
}
