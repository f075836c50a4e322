using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>What an operator sees of nodes that end, and what a site finds that starts its node again.</summary>
public sealed class PresenceTests : IDisposable
{
    private readonly RealSites _sites = new();

    /// <summary>
    /// It was "online" 18 s after its death, and after the coordinator's restart it had never been seen and never sent a byte.
    /// </summary>
    [Fact]
    public async Task A_killed_node_is_gone_in_less_than_ten_seconds_and_what_was_seen_of_it_outlives_the_coordinators_restart()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var federation = TestFederation.Of(coordinator, "none");
        using var node = RunningProgram.Client([.. _sites.Arguments(coordinator.Url, "a"), "--token", await federation.TokenAsync(1)]);
        await node.SaidAsync("enrolled at");
        var before = await UntilAsync(federation, view => view.Online, Limits.Step);
        await node.KillAsync();
        var gone = await UntilAsync(federation, view => !view.Online, TimeSpan.FromSeconds(10));
        Assert.Equal(before.NodeId, gone.NodeId);
        Assert.Equal(0, await coordinator.EndAsync("TERM"));
        await coordinator.StartAgainAsync();
        using var again = TestFederation.Of(coordinator, "none");
        var kept = Assert.Single(await again.NodesAsync());
        Assert.Equal((gone.LastSeenUnixMs, gone.Traffic.Sent, gone.Traffic.Received),
            (kept.LastSeenUnixMs, kept.Traffic.Sent, kept.Traffic.Received));
        Assert.False(kept.Online);
    }

    /// <summary>A site whose machine or network is gone ends no connection: the coordinator's ping is not answered.</summary>
    [Fact]
    public async Task A_node_that_no_longer_answers_is_gone_too()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var federation = TestFederation.Of(coordinator, "none");
        using var proxy = new StallingProxy(coordinator.Url);
        using var node = RunningProgram.Client([.. _sites.Arguments(proxy.Url, "a"), "--token", await federation.TokenAsync(1)]);
        await UntilAsync(federation, view => view.Online, Limits.Step);
        _ = proxy.StallAfterAsync(1);
        // Nine seconds; here with what a busy machine adds. It was a minute and a half.
        await UntilAsync(federation, view => !view.Online, TimeSpan.FromSeconds(40));
    }

    /// <summary>Its count was looked up by the machine's name, so that it was left out for good.</summary>
    [Fact]
    public async Task A_private_federation_has_a_restarted_site_by_its_enrolled_name()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var none = TestFederation.Of(coordinator, "none");
        using (var first = RunningProgram.Client([.. _sites.Arguments(coordinator.Url, "site-a"), "--token", await none.TokenAsync(1)]))
        {
            await first.SaidAsync("enrolled at");
            Assert.Equal(0, await first.EndAsync("TERM"));
            // The library tells of every call that ends with the program, some with a stack.
            Assert.False(first.HasSaid("Grpc."));
        }

        using var federation = await _sites.CreateAsync(coordinator, rounds: 1, steps: 2,
            "public_counts: { site-a: 64 }\nprivacy: { epsilon: 8, delta: 1e-5, clip_norm: 1 }\ncohort: { size: 2, quorum: 1, "
                + "wait_seconds: 0 }");
        using var second = RunningProgram.Client(_sites.WithoutName(coordinator.Url, "site-a"));
        var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(1u, Assert.Single(end.Rounds).Updates);
        await second.SaidAsync("this node is enrolled as site-a and keeps that name");
    }

    /// <summary>It asked for the refused name for good, whatever the later start said.</summary>
    [Fact]
    public async Task A_name_that_is_taken_is_refused_and_the_next_start_may_ask_by_another()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var federation = TestFederation.Of(coordinator, "none");
        var token = await federation.TokenAsync(2);
        using var first = RunningProgram.Client([.. _sites.Arguments(coordinator.Url, "site-a"), "--token", token]);
        await first.SaidAsync("enrolled at");
        string[] Second(string name) => [.. _sites.WithoutName(coordinator.Url, "site-b"), "--name", name, "--token", token];
        using (var refused = RunningProgram.Client(Second("site-a")))
        {
            await refused.SaidAsync("There is a node 'site-a' already. Start this one with another --name");
            Assert.Equal(1, await refused.EndedAsync());
        }
        using var second = RunningProgram.Client(Second("site-b"));
        await second.SaidAsync("enrolled at");
        Assert.Equal(["site-a", "site-b"], (await federation.NodesAsync()).Select(node => node.Name).Order(StringComparer.Ordinal));
    }

    public void Dispose() => _sites.Dispose();

    private static async Task<NodeView> UntilAsync(TestFederation federation, Func<NodeView, bool> so, TimeSpan limit)
    {
        NodeView? found = null;
        await Until.SoAsync("the node is as it should be",
            async () => (found = (await federation.NodesAsync()) is [var node] && so(node) ? node : null) is not null, limit: limit);
        return found!;
    }
}
