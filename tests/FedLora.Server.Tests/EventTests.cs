using FedLora.Client.Connection;
using FedLora.Core.Audit;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using Grpc.Core;

namespace FedLora.Server.Tests;

/// <summary>What happened at a coordinator and who did it.</summary>
public sealed class EventTests
{
    [Fact]
    public async Task What_operators_do_and_what_they_are_refused_is_recorded_before_they_are_answered()
    {
        await using var bench = await Bench.StartAsync();
        var secret = await bench.TokenAsync();
        await Assert.ThrowsAsync<RpcException>(async () =>
            await bench.Operator.Admin.StartFederationAsync(new FederationName { Name = "nobody" }, bench.Operator.Options(default)));
        var events = await EventsAsync(bench.Operator, new ListEventsRequest());
        var acted = events.Where(one => one.Event == "Acted").ToList();
        Assert.Equal(["CreateToken", "StartFederation"], acted.Select(one => one.Fields["action"]));
        Assert.Equal(("done", "federation-unknown", "nobody"),
            (acted[0].Fields["outcome"], acted[1].Fields["outcome"], acted[1].Fields["subject"]));
        Assert.All(acted, one => Assert.Equal(("operator", "operator"), (one.Fields["role"], one.Fields["actor"])));
        Assert.DoesNotContain(secret, File.ReadAllText(Directory.GetFiles(AuditLog.FolderIn(bench.Data)).Single()),
            StringComparison.Ordinal);
        Assert.Equal(events[^1].Hash, AuditFiles.Read(AuditLog.FolderIn(bench.Data)).Last().Hash);
    }

    /// <summary>Its callers have no certificates: a call must not make what a full disk could not hold.</summary>
    [Fact]
    public async Task A_coordinator_without_TLS_makes_no_authority()
    {
        await using var bench = await Bench.StartAsync();
        await bench.TokenAsync();
        Assert.Empty(Directory.EnumerateFiles(bench.Data, "authority.*"));
    }

    [Fact]
    public async Task Events_are_chosen_by_federation_and_node_and_outlive_a_restart()
    {
        await using var bench = await Bench.StartAsync();
        using var end = new CancellationTokenSource();
        var node = bench.RunNodeAsync("a", await bench.TokenAsync(), new FakeTrainer(1), end.Token);
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await bench.UntilAsync(view => view.State == FederationState.Finished);
        await end.CancelAsync();
        await node;
        await bench.RestartAsync();

        var ofFederation = await EventsAsync(bench.Operator, new ListEventsRequest { Federation = "test" });
        Assert.Subset(ofFederation.Select(one => one.Event).ToHashSet(),
            new HashSet<string> { "Created", "Acted", "Opened", "UpdateStored", "Closed", "Committed", "StateChanged" });
        Assert.All(ofFederation, one => Assert.Contains("test", one.Fields.Values));
        var ofNode = await EventsAsync(bench.Operator, new ListEventsRequest { Node = "a" });
        Assert.Subset(ofNode.Select(one => one.Event).ToHashSet(), new HashSet<string> { "Enrolled", "UpdateStored" });
        var newest = await EventsAsync(bench.Operator, new ListEventsRequest { Federation = "test", Last = 1 });
        Assert.Equal(ofFederation[^1], newest.Single());
        // The site's own log says the same from its side.
        Assert.Contains(AuditFiles.Read(AuditLog.FolderIn(bench.StateOf("a"))), entry =>
            entry.Fields.GetValueOrDefault("federation") == "test");
    }

    [Fact]
    public async Task Who_follows_sees_what_happens_next_and_an_auditor_may()
    {
        await using var bench = await Bench.StartAsync();
        using var auditor = new CoordinatorConnection(bench.Operator.Url)
        {
            Credential = (await File.ReadAllTextAsync(AccessTokens.FileOf(bench.Data, Roles.Auditor))).Trim(),
        };
        using var limit = new CancellationTokenSource(Bench.Never);
        using var call = auditor.Upkeep.ListEvents(new ListEventsRequest { Last = 1, Follow = true }, auditor.Options(limit.Token));
        Assert.True(await call.ResponseStream.MoveNext(limit.Token));
        await bench.TokenAsync();
        while (call.ResponseStream.Current.Event != "Acted")
            Assert.True(await call.ResponseStream.MoveNext(limit.Token));
        Assert.Equal("CreateToken", call.ResponseStream.Current.Fields["action"]);
    }

    private static async Task<List<EventView>> EventsAsync(CoordinatorConnection connection, ListEventsRequest request)
    {
        using var call = connection.Upkeep.ListEvents(request, connection.Options(default));
        var events = new List<EventView>();
        await foreach (var one in call.ResponseStream.ReadAllAsync())
            events.Add(one);
        return events;
    }
}
