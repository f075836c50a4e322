using System.Collections.Concurrent;
using System.Diagnostics;
using Dapper;
using FedLora.Server.Stores;
using FedLora.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Grains.Tests;

/// <summary>Faults that once got a coordinator stuck.</summary>
public sealed class FaultTests
{
    /// <summary>
    /// Cohorts of one: the aggregate has the update's own bytes, which the round's pruning removed although all adapters are kept.
    /// </summary>
    [Fact]
    public async Task Bytes_that_an_adapter_shares_with_an_update_are_kept()
    {
        await using var coordinator = await RoundTests.StartAsync(Samples.Definition with
        {
            Rounds = 4,
            Cohort = Samples.Definition.Cohort with { MinNodes = 1, Quorum = 1, Size = 1 },
            Retention = new() { UpdateRounds = 1 },
        });
        // Another federation, made from an adapter of the first, whose update it is too.
        for (var round = 1; round <= 4; round++)
        {
            var names = new[] { "a", "b", "c" };
            string? member = null;
            await Until.SoAsync($"round {round} has a node", async () =>
            {
                foreach (var name in names)
                    member = (await coordinator.PollAsync(name)).Task is null ? member : name;
                return member is not null;
            });
            await coordinator.DeliverAsync(member!, round);
            await coordinator.UntilAsync(view => view.RoundsDone == round);
        }

        var history = (await coordinator.Federation.GetAsync(default)).History;
        Assert.Equal(history[0].Adapter.Sha256, (await coordinator.Federation.GetRoundAsync(1, default)).Updates[0].Header.Sha256);
        foreach (var round in history)
            Assert.True(await coordinator.Blobs.ExistsAsync(round.Adapter.Sha256, default), $"round {round.Round}'s adapter is gone");
        Assert.Equal((await coordinator.Federation.GetRoundAsync(1, default)).Before,
            await coordinator.Federation.AdapterAfterAsync(0, default));
    }

    [Fact]
    public async Task A_blob_that_another_federation_needs_is_not_released()
    {
        await using var coordinator = await RoundTests.StartAsync();
        var shared = await coordinator.Blobs.PutAdapterAsync(Samples.Update(7), default);
        await coordinator.Creator.CreateAsync(Samples.Definition with { Name = "other" }, shared.Sha256, default);
        var free = await coordinator.Blobs.PutAdapterAsync(Samples.Update(8), default);
        var upload = coordinator.Header("a", 1, 1, Samples.Update(9));
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.Receiver.BeginAsync(upload, default);
        await coordinator.Blobs.PutAdapterAsync(Samples.Update(9), default);
        await coordinator.Grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key)
            .ReleaseAsync([shared.Sha256, free.Sha256, upload.Sha256], default);
        Assert.True(await coordinator.Blobs.ExistsAsync(shared.Sha256, default));
        Assert.True(await coordinator.Blobs.ExistsAsync(upload.Sha256, default));
        Assert.False(await coordinator.Blobs.ExistsAsync(free.Sha256, default));
    }

    /// <summary>While a federation's noise is calibrated, which may take long, every node is answered.</summary>
    [Fact]
    public async Task Polls_are_answered_while_a_federation_is_calibrated()
    {
        var (begun, go) = (new TaskCompletionSource(), new ManualResetEventSlim());
        await using var coordinator = await Coordinator.StartAsync(
            services => services.AddSingleton<CalibrateRows>((definition, nodes, cancellationToken) =>
            {
                begun.TrySetResult();
                go.Wait(Coordinator.Never, cancellationToken);
                return PrivacyPlanner.Rows(definition, nodes, cancellationToken);
            }));
        await coordinator.EnrolAsync("a", "b", "c");
        var creation = coordinator.Creator.CreateAsync(
            Samples.Definition with { Privacy = new() { Epsilon = 3, NoiseMultiplier = 1.4, SamplingRate = 0.1 } }, null, default);
        await begun.Task.WaitAsync(Coordinator.Never);
        // Answered at all: while the calibration held the registry's turn, none was until it had ended.
        foreach (var name in new[] { "a", "b", "c" })
            Assert.Null((await coordinator.PollAsync(name).WaitAsync(Coordinator.Never)).Task);
        Assert.False(creation.IsCompleted);
        go.Set();
        Assert.Equal(FederationState.Created, (await creation).State);
    }

    /// <summary>
    /// Listed, and cut off before the node's own record was written: the list of nodes, and with it the creation of federations, failed for
    /// good.
    /// </summary>
    [Fact]
    public async Task An_enrolment_that_was_cut_off_is_made_up_for()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var token = await coordinator.Enrolment.CreateTokenAsync(new() { Uses = 2 }, default);
        // The next write is the registry's; the one after it, the node's, is lost.
        await coordinator.KillAndRestartAsync(new() { DiesAt = 2 });
        var request = new EnrolRequest { Token = token.Token, Name = "a", Group = "thin", RequestId = "r1" };
        await Assert.ThrowsAnyAsync<Exception>(() => coordinator.Enrolment.EnrolAsync(request, default));
        await coordinator.KillAndRestartAsync();
        var listed = Assert.Single(await coordinator.Enrolment.ListNodesAsync(default));
        var view = await coordinator.Grains.GetGrain<INodeGrain>(listed.NodeId).GetAsync(default);
        Assert.Equal(("a", "thin"), (view.Name, view.Group));
        var again = await coordinator.Enrolment.EnrolAsync(request, default);
        Assert.Equal(listed.NodeId, again.NodeId);
        await coordinator.Grains.GetGrain<INodeGrain>(again.NodeId).AuthenticateAsync(again.Credential, default);
    }

    [Fact]
    public async Task A_caller_that_goes_away_does_not_cut_an_enrolment_off()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var token = await coordinator.Enrolment.CreateTokenAsync(new(), default);
        coordinator.Life.HoldWrites();
        using var gone = new CancellationTokenSource();
        var enrolment = coordinator.Enrolment.EnrolAsync(new() { Token = token.Token, Name = "a", RequestId = "r1" }, gone.Token);
        await coordinator.Life.StandsAsync();
        await gone.CancelAsync();
        coordinator.Life.PassAll();
        await Task.WhenAny(enrolment).WaitAsync(Coordinator.Never);
        var listed = Assert.Single(await coordinator.Enrolment.ListNodesAsync(default));
        Assert.Equal("a", (await coordinator.Grains.GetGrain<INodeGrain>(listed.NodeId).GetAsync(default)).Name);
    }

    [Fact]
    public async Task A_damaged_federation_is_named_and_the_others_go_on()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await coordinator.Creator.CreateAsync(Samples.Definition with { Name = "broken" }, null, default);
        await coordinator.Service<SqliteDatabase>()
            .WriteAsync(
                connection =>
                    connection.Execute("UPDATE grain_state SET json = '{\"Format\":2,\"Standing\":7}' WHERE grain = 'federation/broken'"),
                default);
        await coordinator.KillAndRestartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        Assert.Equal("demo", (await coordinator.PollAsync("a")).Task!.Federation);
        await coordinator.DeliverAsync("a", 1);
        Assert.Contains("broken: it cannot be read now", (await coordinator.PollAsync("a")).WaitingFor, StringComparison.Ordinal);
    }

    /// <summary>
    /// A connection ends, and the node has called over the next one before its end is told: it was taken out of the federation until its
    /// poll, which waits for a minute, had come to its end.
    /// </summary>
    [Fact]
    public async Task A_node_that_has_called_again_when_its_last_connection_has_ended_is_here()
    {
        await using var coordinator = await RoundTests.StartAsync();
        var written = new TaskCompletionSource();
        var node = coordinator.Node("a");
        await node.PollAsync(Poll("one"), default);
        await Until.SoAsync("it is here", () => IsHereAsync());
        coordinator.Life.Presence = written.Task;
        coordinator.Time.Advance(TimeSpan.FromSeconds(1));
        var ended = node.DisconnectedAsync("one", default);
        await node.PollAsync(Poll("two"), default);
        written.SetResult();
        await ended;
        Assert.True(await IsHereAsync());
        Assert.True((await node.GetAsync(default)).Online);

        async Task<bool> IsHereAsync() =>
            (await coordinator.Federation.GetAsync(default)).Reason.Contains("1 here", StringComparison.Ordinal);

        static NodePoll Poll(string connection) => new()
        {
            Profile = new() { ModelFingerprints = [Samples.Fingerprint] },
            Connection = new(connection, SiloAddress.Zero),
        };
    }

    [Fact]
    public async Task A_revoked_nodes_open_upload_is_refused()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var bytes = Samples.Update(1).ToBytes();
        var upload = await coordinator.Receiver.BeginAsync(coordinator.Header("a", 1, 1, Samples.Update(1)), default);
        await upload.AppendAsync(bytes, durable: true, default);
        await coordinator.Node("a").RevokeAsync(default);
        await RoundTests.RefusedAsync(RefusalCodes.NodeRevoked, () => upload.CompleteAsync(default));
        await coordinator.Blobs.PutAdapterAsync(Samples.Update(1), default);
        Assert.Equal(RefusalCodes.NodeRevoked, (await coordinator.Federation.CommitUpdatesAsync([upload.Header], default))[0]?.Code);
        await coordinator.DeliverAsync("b", 2);
        await coordinator.DeliverAsync("c", 3);
        Assert.Equal(2, (await coordinator.UntilAsync(view => view.RoundsDone == 1)).History[0].Updates);
    }

    [Fact]
    public async Task Of_two_federations_a_node_works_for_both()
    {
        var rules = Samples.Definition.Cohort with { MinNodes = 1, Quorum = 1, MaxRepeats = 10 };
        await using var coordinator = await RoundTests.StartAsync(Samples.Definition with { Cohort = rules, Rounds = 8 });
        await coordinator.Creator.CreateAsync(Samples.Definition with { Name = "zeta", Cohort = rules, Rounds = 8 }, null, default);
        var zeta = coordinator.Grains.GetGrain<IFederationGrain>("zeta");
        await zeta.StartAsync(default);
        await coordinator.StoredAsync(
            async () => (await coordinator.Registry.ListFederationsAsync(default)).All(entry => entry.State == FederationState.Running));
        var served = new ConcurrentDictionary<string, int>();
        for (var i = 0; i < 6;)
        {
            if ((await coordinator.PollAsync("a")).Task is not { } task)
                continue;
            served.AddOrUpdate(task.Federation, 1, (_, count) => count + 1);
            await coordinator.SendAsync(
                coordinator.Header("a", task.Round, task.Attempt, Samples.Update(i)) with { Federation = task.Federation },
                Samples.Update(i));
            await coordinator.Grains.GetGrain<IFederationGrain>(task.Federation).GetAsync(default);
            i++;
        }

        Assert.InRange(served.GetValueOrDefault("zeta"), 2, 4);
        // And that is shown, also after a start.
        await coordinator.RestartAsync();
        Assert.Equal(served.OrderBy(entry => entry.Key), (await coordinator.Node("a").GetAsync(default)).Tasks.OrderBy(entry => entry.Key));
    }

    /// <summary>
    /// An operator uploads the adapter of another federation, which lets it go in the moment before the new one is made from it.
    /// </summary>
    [Fact]
    public async Task What_an_operator_has_in_hand_is_not_released_for_an_hour()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var janitor = coordinator.Grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key);
        var uploaded = await coordinator.Blobs.PutAdapterAsync(Samples.Update(1), default);
        await janitor.HoldAsync([uploaded.Sha256], default);
        await janitor.ReleaseAsync([uploaded.Sha256], default);
        coordinator.Time.Advance(JanitorGrain.Held - TimeSpan.FromSeconds(1));
        await janitor.ReleaseAsync([uploaded.Sha256], default);
        Assert.True(await coordinator.Blobs.ExistsAsync(uploaded.Sha256, default));
        coordinator.Time.Advance(TimeSpan.FromSeconds(1));
        await janitor.ReleaseAsync([uploaded.Sha256], default);
        Assert.False(await coordinator.Blobs.ExistsAsync(uploaded.Sha256, default));
    }

    /// <summary>Each of n nodes that came asked for every other's budget: n^2 calls, in one turn of the federation.</summary>
    [Fact]
    public async Task Sampling_a_private_round_asks_each_node_once()
    {
        var (asked, names) = (0, Enumerable.Range(0, 40).Select(i => $"n{i}").ToArray());
        await using var coordinator = await Coordinator.StartAsync(
            services => services.AddSingleton<IIncomingGrainCallFilter>(new CountedCalls(nameof(INodeGrain.AskBudgetAsync),
                () => Interlocked.Increment(ref asked))));
        await coordinator.EnrolAsync(names);
        await coordinator.Creator.CreateAsync(Samples.Definition with
        {
            Privacy = new() { NoiseMultiplier = 2, SamplingRate = 0.01 },
            Cohort = Samples.Definition.Cohort with { MinNodes = names.Length, Quorum = 1, Size = 5 },
        }, null, default);
        await coordinator.Federation.StartAsync(default);
        foreach (var name in names)
            await coordinator.PollAsync(name);
        await coordinator.UntilAsync(view => view.Current?.State == RoundState.Open);
        Assert.Equal(names.Length, asked);
    }

    /// <summary>
    /// A call that is held keeps its grain from ending: a write that failed froze whoever watched for as long as the call was held. Here
    /// the clock stands still.
    /// </summary>
    [Fact]
    public async Task A_failed_write_ends_the_calls_that_are_held()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var seen = await coordinator.Federation.WatchAsync(0, TimeSpan.Zero, default);
        var watch = coordinator.Federation.WatchAsync(seen.Version, TimeSpan.FromMinutes(1), default);
        coordinator.Life.Fails = 1;
        await Assert.ThrowsAnyAsync<Exception>(() => coordinator.Federation.PauseAsync("now", default));
        await watch.WaitAsync(Coordinator.Never);
        Assert.Equal(FederationState.Running, (await coordinator.Federation.GetAsync(default).WaitAsync(Coordinator.Never)).State);

        await coordinator.DeliverAsync("a", 1);
        var held = coordinator.Node("a").PollAsync(
            new() { Profile = new() { ModelFingerprints = [Samples.Fingerprint] }, Wait = TimeSpan.FromMinutes(1) }, default);
        coordinator.Life.Fails = 1;
        await Assert.ThrowsAnyAsync<Exception>(() => coordinator.Node("a").EnrolAsync("a", "", "another", default));
        await held.WaitAsync(Coordinator.Never);
        Assert.Equal("a", (await coordinator.Node("a").GetAsync(default).WaitAsync(Coordinator.Never)).Name);
    }

    [Fact]
    public async Task A_node_keeps_one_part_of_an_upload_per_round()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var hashes = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var header = coordinator.Header("a", 1, 1, Samples.Update(i));
            await (await coordinator.Receiver.BeginAsync(header, default))
                .AppendAsync(Samples.Update(i).ToBytes().AsMemory(0, 100), durable: false, default);
            hashes.Add(header.Sha256);
        }

        var lengths = new List<long>();
        foreach (var hash in hashes)
            lengths.Add(await coordinator.Blobs.PartialLengthAsync(hash, default));
        Assert.Equal([0, 0, 0, 0, 100], lengths);
    }

    /// <summary>One name, one part: the second was refused, and waited a second before it sent again.</summary>
    [Fact]
    public async Task Two_nodes_send_the_same_bytes_at_once()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var bytes = Samples.Update(1).ToBytes();
        var uploads = new List<IncomingUpdate>();
        foreach (var node in (string[])["a", "b"])
            uploads.Add(await coordinator.Receiver.BeginAsync(coordinator.Header(node, 1, 1, Samples.Update(1)), default));
        foreach (var upload in uploads)
            await upload.AppendAsync(bytes.AsMemory(0, 100), durable: false, default);
        foreach (var upload in uploads)
        {
            Assert.Equal(100, upload.Offset);
            await upload.AppendAsync(bytes.AsMemory(100), durable: false, default);
            await upload.CompleteAsync(default);
        }

        await coordinator.SendAsync(coordinator.Header("c", 1, 1, Samples.Update(2)), Samples.Update(2));
        Assert.Equal(3, (await coordinator.UntilAsync(view => view.RoundsDone == 1)).History[0].Updates);
    }

    /// <summary>What a power cut left of an upload is not what was sent: it was refused for good, and the node with it.</summary>
    [Fact]
    public async Task A_torn_part_of_an_upload_is_sent_again()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var header = coordinator.Header("a", 1, 1, Samples.Update(1));
        await (await coordinator.Receiver.BeginAsync(header, default)).AppendAsync(new byte[100], durable: true, default);
        await RoundTests.RefusedAsync(RefusalCodes.BlobOffset, () => coordinator.SendAsync(header, Samples.Update(1)));
        await coordinator.SendAsync(header, Samples.Update(1));
    }

    /// <summary>
    /// A node that trains has not polled since the restart; it was unknown at the deadline and told that the round is closed.
    /// </summary>
    [Fact]
    public async Task After_a_restart_reports_make_nodes_known()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        foreach (var name in new[] { "a", "b", "c" })
            await coordinator.PollAsync(name);
        await coordinator.KillAndRestartAsync();
        await coordinator.Federation.GetAsync(default);
        coordinator.Time.Advance(TimeSpan.FromMinutes(9.5));
        var report = new StatusReport { Federation = "demo", Round = 1, Attempt = 1, Phase = TaskPhase.Training };
        foreach (var name in new[] { "a", "b", "c" })
            Assert.True((await coordinator.Node(name).ReportAsync(report, default)).Wanted);
        coordinator.Time.Advance(TimeSpan.FromMinutes(1));
        var view = await coordinator.UntilAsync(seen => seen.Current!.Attempt == 2 && seen.Current.State == RoundState.Open);
        Assert.Equal(3, view.Current!.Nodes.Count);
        Assert.True((await coordinator.Node("a").ReportAsync(report, default)).Wanted);
        await coordinator.SendAsync(coordinator.Header("a", 1, 1, Samples.Update(1)), Samples.Update(1));
    }

    /// <summary>Its write fails when its deadline comes: it is read again, and keeps its deadline without anybody calling.</summary>
    [Fact]
    public async Task A_failed_write_does_not_stop_the_clock_of_a_round()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        await coordinator.DeliverAsync("b", 2);
        coordinator.Life.Fails = 1;
        var written = coordinator.Life.Written;
        coordinator.Time.Advance(TimeSpan.FromMinutes(30));
        await coordinator.Life.Failed.WaitAsync(Coordinator.Never);
        coordinator.Time.Advance(FederationWatch.Every);
        await written.WaitAsync(Coordinator.Never);
        Assert.Equal(2, (await coordinator.UntilAsync(view => view.RoundsDone == 1)).History[0].Updates);
    }

    /// <summary>The aggregate cannot be written: the round stayed "aggregating" for ever. No call helps it here, only the clock.</summary>
    [Fact]
    public async Task An_aggregate_that_cannot_be_written_is_made_again()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        await coordinator.DeliverAsync("b", 2);
        var (temporary, away) = (coordinator.PartOf("temporary"), coordinator.PartOf("away"));
        Directory.Move(temporary, away);
        await coordinator.DeliverAsync("c", 3);
        await coordinator.UntilAsync(view => view.Reason.Contains("has failed 1 times and is tried again", StringComparison.Ordinal));
        Directory.Move(away, temporary);
        coordinator.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(3, (await coordinator.UntilAsync(view => view.RoundsDone == 1)).History[0].Updates);
    }

    [Fact]
    public async Task Names_of_federations_that_there_are_not_leave_nothing_behind()
    {
        await using var coordinator = await Coordinator.StartAsync();
        for (var i = 0; i < 100; i++)
            await RoundTests.RefusedAsync(RefusalCodes.FederationUnknown,
                () => coordinator.Grains.GetGrain<IFederationGrain>($"made-up-{i}").GetAsync(default));
        var management = coordinator.Grains.GetGrain<IManagementGrain>(0);
        var made = coordinator.Grains.GetGrain<IFederationGrain>("made-up-1").Cast<GrainReference>();
        for (var started = Stopwatch.GetTimestamp(); await management.GetGrainActivationCount(made) > 0;)
            Assert.True(Stopwatch.GetElapsedTime(started) < Coordinator.Never, "they are still in memory");
    }

    /// <summary>It stayed in memory with all that was known of its nodes, for as long as the coordinator ran.</summary>
    [Fact]
    public async Task A_federation_that_has_ended_leaves_memory_and_can_be_asked_for_again()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.Federation.StopAsync("enough", default);
        var management = coordinator.Grains.GetGrain<IManagementGrain>(0);
        var ended = coordinator.Federation.Cast<GrainReference>();
        for (var started = Stopwatch.GetTimestamp(); await management.GetGrainActivationCount(ended) > 0;)
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Coordinator.Never, "it is still in memory");
            await management.ForceActivationCollection(TimeSpan.Zero);
        }

        var view = await coordinator.Federation.GetAsync(default);
        Assert.Equal((FederationState.Stopped, "enough"), (view.State, view.Reason));
    }

    [Fact]
    public async Task Stopping_while_a_round_is_aggregated_does_not_wait_for_it()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 1);
        await coordinator.DeliverAsync("b", 2);
        var last = coordinator.DeliverAsync("c", 3);
        var stop = coordinator.Federation.StopAsync("enough", default);
        // No call waits for half a minute: the clock stands still.
        await Task.WhenAll(last.ContinueWith(_ => { }, TaskScheduler.Default), stop).WaitAsync(Coordinator.Never);
        Assert.Equal(FederationState.Stopped, (await coordinator.Federation.GetAsync(default)).State);
    }

    private sealed class CountedCalls(string method, Action called) : IIncomingGrainCallFilter
    {
        public Task Invoke(IIncomingGrainCallContext context)
        {
            if (context.InterfaceMethod.Name == method)
                called();
            return context.Invoke();
        }
    }
}
