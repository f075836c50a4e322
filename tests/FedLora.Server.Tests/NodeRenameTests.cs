using FedLora.Client.State;
using FedLora.Protocol.V1;
using FedLora.Tests;
using Grpc.Core;

namespace FedLora.Server.Tests;

/// <summary>A node gets another name: coordinator and node go by it, and nobody gets the old one.</summary>
public sealed class NodeRenameTests
{
    [Fact]
    public async Task A_renamed_node_hears_of_it_and_keeps_it()
    {
        await using var bench = await Bench.StartAsync();
        using var end = new CancellationTokenSource();
        var node = bench.RunNodeAsync("a", await bench.TokenAsync(), new FakeTrainer(1), end.Token);
        await bench.UntilEnrolledAsync("a");
        Assert.Equal("b", (await RenameAsync(bench, "a", "b")).Name);
        // A federation wakes the waiting poll; otherwise the node hears of it within half a minute.
        await bench.StartFederationAsync(Counting(Bench.Define("fedit", rounds: 1, nodes: 1), "b"));
        await Until.SoAsync("the node keeps its new name",
            () => NodeCredential.Load(NodeFolder.CredentialFileOf(bench.StateOf("a")))!.Name == "b");
        var view = await bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(1u, view.Rounds[0].Updates);
        Assert.Equal("b", Assert.Single((await bench.Operator.Admin.ListNodesAsync(new(), bench.Operator.Options(default))).Nodes).Name);

        // The old name is its own: another node does not get it, itself may have it again.
        var taken = await Assert.ThrowsAsync<FedLoraException>(async () =>
            await bench.RunNodeAsync("other", await bench.TokenAsync(), new FakeTrainer(1), end.Token, called: "a"));
        Assert.Contains("'a' was the name of the node 'b'", taken.Message, StringComparison.Ordinal);
        await end.CancelAsync();
        await node;
        // The registry is told of a federation's end a moment after the federation; until then the name is counted on.
        await Until.SoAsync("the registry has heard of the end", async () =>
        {
            try
            {
                return (await RenameAsync(bench, "b", "a")).Name == "a";
            }
            catch (RpcException early) when (early.StatusCode == StatusCode.FailedPrecondition)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task What_cannot_be_is_refused()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync(2);
        foreach (var name in new[] { "a", "b" })
            await bench.Operator.Enrolment.EnrolAsync(new EnrolRequest { Token = token, Name = name, RequestId = name });
        await RefusedAsync(StatusCode.AlreadyExists, bench, "a", "b");
        await RefusedAsync(StatusCode.InvalidArgument, bench, "a", "Not a name");
        await RefusedAsync(StatusCode.NotFound, bench, "nobody", "c");
        await bench.StartFederationAsync(Counting(Bench.Define("fedit", rounds: 1, nodes: 1), "a"));
        await RefusedAsync(StatusCode.FailedPrecondition, bench, "a", "c");
        await bench.Operator.Admin.StopFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default));
        await RenameAsync(bench, "a", "c");
    }

    private static FederationDefinition Counting(FederationDefinition definition, string node)
    {
        (definition.Weighting, definition.PublicCounts[node]) = (Weighting.PublicCounts, 5);
        return definition;
    }

    private static async Task<NodeView> RenameAsync(Bench bench, string node, string name) =>
        await bench.Operator.Upkeep.RenameNodeAsync(new RenameNodeRequest { Node = node, NewName = name }, bench.Operator.Options(default));

    private static async Task RefusedAsync(StatusCode status, Bench bench, string node, string name) =>
        Assert.Equal(status, (await Assert.ThrowsAsync<RpcException>(() => RenameAsync(bench, node, name))).StatusCode);
}
