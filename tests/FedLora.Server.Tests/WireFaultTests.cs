using FedLora.Protocol;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Server.Tests;

/// <summary>What a node may say on the wire and must not do to anybody else by it.</summary>
public sealed class WireFaultTests
{
    [Fact]
    public async Task A_node_that_is_named_like_anothers_id_is_not_revoked_in_its_place()
    {
        await using var bench = await Bench.StartAsync();
        var (id, _) = await EnrolAsync(bench, "a");
        var (decoy, _) = await EnrolAsync(bench, id);
        Assert.Equal(id,
            (await bench.Operator.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = id }, bench.Operator.Options(default))).NodeId);
        var nodes = (await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes;
        Assert.Equal((true, false), (nodes.Single(node => node.NodeId == id).Revoked, nodes.Single(node => node.NodeId == decoy).Revoked));
    }

    [Theory]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NaN)]
    public async Task A_balance_without_a_number_is_refused_at_the_door(double limit)
    {
        await using var bench = await Bench.StartAsync();
        var (_, credential) = await EnrolAsync(bench, "a");
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var poll = new PollTaskRequest
        {
            Profile = new NodeProfile { Balances = { new PrivacyBalance { DataSet = "d", LimitEpsilon = limit, Delta = 1e-5 } } },
        };
        var error = await Assert.ThrowsAsync<RpcException>(async () => await bench.Operator.Node.PollTaskAsync(poll, As(credential)));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Single((await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes);
    }

    [Fact]
    public async Task A_reason_of_megabytes_is_cut_where_it_comes_in()
    {
        await using var bench = await Bench.StartAsync();
        var (_, credential) = await EnrolAsync(bench, "a");
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var poll = new PollTaskRequest { Profile = new NodeProfile { ModelFingerprints = { FakeTrainer.Fingerprint } }, WaitSeconds = 30 };
        var task = (await bench.Operator.Node.PollTaskAsync(poll, As(credential))).Task;
        var report = new StatusReport
        {
            Federation = "test",
            Round = task.Round,
            Attempt = task.Attempt,
            Phase = TaskPhase.Failed,
            Reason = new string('x', 3_900_000),
        };
        await bench.Operator.Node.ReportStatusAsync(report, As(credential));
        var view = await bench.Operator.Admin.ShowFederationAsync(new FederationName { Name = "test" }, bench.Operator.Options(default));
        Assert.Contains("xxx", view.ToString(), StringComparison.Ordinal);
        Assert.InRange(view.CalculateSize(), 1, 20_000);
        Assert.InRange((await bench.Operator.Node.PollTaskAsync(poll.Clone(), As(credential))).CalculateSize(), 1, 20_000);
    }

    /// <summary>A node's was looked for in every federation.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("../state.db")]
    [InlineData("ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    public async Task What_cannot_be_a_hash_is_not_looked_for(string hash)
    {
        await using var bench = await Bench.StartAsync();
        var (_, credential) = await EnrolAsync(bench, "a");
        var asked = new GetBlobRequest { Sha256 = hash };
        foreach (var call in new[]
        {
            bench.Operator.Node.GetBlob(asked, As(credential)), bench.Operator.Admin.GetBlob(asked, bench.Operator.Options(default)),
        })
        {
            using (call)
            {
                var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(default));
                Assert.Equal("blob-missing", RpcErrors.FromRpc(error, bench.Operator.Url).Code);
                Assert.Contains("named by its SHA-256", error.Status.Detail, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task The_adapter_before_the_first_round_is_exported()
    {
        await using var bench = await Bench.StartAsync();
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var export = await bench.Operator.Admin.ExportAdapterAsync(new ExportAdapterRequest { Federation = "test", Round = 0 },
            bench.Operator.Options(default));
        Assert.Equal((await bench.UntilAsync(_ => true)).Adapter.Sha256, export.Adapter.Sha256);
        Assert.Equal(export.Adapter.Sha256, (await bench.FetchAsync(export.Adapter)).Hash);
    }

    private static async Task<(string Id, string Credential)> EnrolAsync(Bench bench, string name)
    {
        var reply = await bench.Operator.Enrolment.EnrolAsync(
            new EnrolRequest { Token = await bench.TokenAsync(), Name = name, RequestId = Guid.NewGuid().ToString("N") });
        return (reply.NodeId, reply.Credential);
    }

    private static CallOptions As(string credential) => new(Bearer.Of(credential), DateTime.UtcNow + Bench.Never);
}
