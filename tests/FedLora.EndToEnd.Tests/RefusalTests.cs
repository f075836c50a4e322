using FedLora.Adapters;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.EndToEnd.Tests;

/// <summary>What the coordinator does not take, and that it goes on as if it had not come.</summary>
public sealed class RefusalTests
{
    private static readonly CohortRules BothNodes = new() { Size = 2, Quorum = 2, MinNodes = 2, DeadlineSeconds = 600 };

    [Fact]
    public async Task Updates_that_are_wrong_are_refused_one_by_one_and_the_right_ones_still_count()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var federation = await TestFederation.CreateAsync(coordinator, rounds: 1, modules: 2, BothNodes);
        var nodes = await federation.EnrolAsync(3);
        await federation.StartAsync();
        await Task.WhenAll(nodes.Select(node => node.PollAsync(waitSeconds: 1)));
        var open = await federation.UntilAsync(view => view.Rounds is [{ Nodes.Count: 2 }]);
        var members = nodes.Where(node => open.Rounds[0].Nodes.Any(member => member.NodeId == node.Id)).ToArray();
        var outsider = nodes.Single(node => !members.Contains(node));
        var task = await members[0].NextTaskAsync();
        var (node, global) = (members[0], await members[0].FetchAsync(task));
        var right = node.Train(task, global);

        await RefusedAsync(StatusCode.InvalidArgument, "NaN",
            Change(global, tensor => tensor with { Values = [float.NaN, .. tensor.Values.Skip(1)] }));
        await RefusedAsync(StatusCode.InvalidArgument, "",
            Change(global, tensor => tensor with { Shape = [tensor.Shape[1], tensor.Shape[0]] }));
        await RefusedAsync(StatusCode.InvalidArgument, "", new AdapterState(global.Skip(1)).ToBytes());
        await RefusedAsync(StatusCode.InvalidArgument, "bytes", right, header => header.Blob.Size = 1L << 40);
        await RefusedAsync(StatusCode.InvalidArgument, "", right, header => header.Blob.Sha256 = new string('0', 64));
        await RefusedAsync(StatusCode.InvalidArgument, "", [.. Enumerable.Repeat((byte)0xff, right.Length)]);
        await RefusedAsync(StatusCode.NotFound, "round", right, header => header.Round = 9);
        await RefusedAsync(StatusCode.FailedPrecondition, "cohort", right, sender: outsider);

        var sent = await node.UploadAsync(TestNode.Header(task, right), right);
        Assert.True(sent.Last.Complete);
        Assert.True((await node.UploadAsync(TestNode.Header(task, right), right)).First.Complete,
            "the same update again is complete at once");
        await RefusedAsync(StatusCode.AlreadyExists, "", Change(global, tensor => tensor));
        var other = members[1].Train(task, global);
        await members[1].UploadAsync(TestNode.Header(task, other), other);
        Assert.Equal(1u, (await federation.UntilAsync(view => view.State == FederationState.Finished)).RoundsDone);
        foreach (var each in nodes) each.Dispose();

        async Task RefusedAsync(StatusCode code, string says, byte[] update, Action<UpdateHeader>? change = null, TestNode? sender = null)
        {
            var header = TestNode.Header(task, update);
            change?.Invoke(header);
            var error = await Assert.ThrowsAsync<RpcException>(() => (sender ?? node).UploadAsync(header, update));
            Assert.True(error.StatusCode == code, $"{error.Status} instead of {code}");
            Assert.Contains(says, error.Status.Detail, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Status.Detail);
        }
    }

    [Fact]
    public async Task A_node_that_vanishes_does_not_hold_the_round_and_comes_back_by_itself()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        // Long enough for the other one to deliver on a busy machine.
        var rules = new CohortRules { Size = 2, Quorum = 1, MinNodes = 2, DeadlineSeconds = 15 };
        using var federation = await TestFederation.CreateAsync(coordinator, rounds: 2, modules: 2, rules);
        var nodes = await federation.EnrolAsync(2);
        await federation.StartAsync();
        var tasks = await Task.WhenAll(nodes.Select(node => node.NextTaskAsync()));
        var update = nodes[0].Train(tasks[0], await nodes[0].FetchAsync(tasks[0]));
        await nodes[0].UploadAsync(TestNode.Header(tasks[0], update), update);

        // The other says nothing more until the deadline has passed.
        var view = await federation.UntilAsync(view => view.RoundsDone == 1);
        Assert.Equal(1u, view.Rounds.Single(round => round.Round == 1).Updates);
        var back = await Task.WhenAll(nodes.Select(node => node.NextTaskAsync()));
        Assert.All(back, task => Assert.Equal(2u, task.Round));
        foreach (var node in nodes) node.Dispose();
    }

    [Fact]
    public async Task Tokens_and_credentials_that_are_not_known_open_nothing()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        var wrong = await Assert.ThrowsAsync<RpcException>(() => TestNode.EnrolAsync(coordinator.Url, "no such token", 0));
        Assert.Equal(StatusCode.Unauthenticated, wrong.StatusCode);
        using var federation = await TestFederation.CreateAsync(coordinator, rounds: 1, modules: 1, BothNodes);
        using var channel = global::Grpc.Net.Client.GrpcChannel.ForAddress(coordinator.Url);
        foreach (var credential in new[] { null, "Bearer unknown" })
        {
            var headers = new Metadata();
            if (credential is not null) headers.Add("authorization", credential);
            var node = await Assert.ThrowsAsync<RpcException>(
                async () => await new Node.NodeClient(channel).PollTaskAsync(new PollTaskRequest(), headers));
            Assert.Equal(StatusCode.Unauthenticated, node.StatusCode);
            var admin = await Assert.ThrowsAsync<RpcException>(
                async () => await new Admin.AdminClient(channel).ListNodesAsync(new ListNodesRequest(), headers));
            Assert.Equal(StatusCode.Unauthenticated, admin.StatusCode);
        }
    }

    private static byte[] Change(AdapterState state, Func<AdapterTensor, AdapterTensor> change) =>
        new AdapterState(state.Select((tensor, i) => i == 0 ? change(tensor) : tensor)).ToBytes();
}
