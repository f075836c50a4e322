using FedLora.Client.Connection;
using FedLora.Grains.Nodes;
using FedLora.Protocol.V1;
using FedLora.Tests;
using Grpc.Core;

namespace FedLora.Server.Tests.Certificates;

/// <summary>A node that was revoked comes back, or is forgotten.</summary>
public sealed class NodeCareTests
{
    [Fact]
    public async Task A_readmitted_node_calls_again_by_the_certificate_that_it_has()
    {
        await using var bench = await TlsBench.StartAsync();
        var (identity, id) = await bench.JoinAsync("a");
        await bench.Operator.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = "a" }, bench.Operator.Options(default));
        Assert.Equal("node-revoked", await AnswerAsync(bench, identity));
        var view = await bench.Operator.Upkeep.ReadmitNodeAsync(new ReadmitNodeRequest { Node = id }, bench.Operator.Options(default));
        Assert.Equal(("a", false), (view.Name, view.Revoked));
        // Every coordinator hears of it in a moment.
        await Until.SoAsync("the node is let in again", async () => await AnswerAsync(bench, identity) is null);
        await bench.Operator.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = "a" }, bench.Operator.Options(default));
        Assert.Equal("node-revoked", await AnswerAsync(bench, identity));
        identity.Dispose();
    }

    [Fact]
    public async Task A_revoked_node_is_forgotten_and_its_name_is_free_again()
    {
        await using var bench = await TlsBench.StartAsync();
        var (identity, id) = await bench.JoinAsync("a");
        Assert.Equal("node-active", await DeleteAsync(bench, forget: true));
        await bench.Operator.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = "a" }, bench.Operator.Options(default));
        var receipt = new FedLora.Privacy.Ledger.LedgerReceipt
        {
            NoiseMultiplier = 1,
            SamplingRate = 0.1,
            Steps = 1,
            ClipNorm = 1,
            Delta = 1e-5,
            EpsilonSpent = 1.5,
            EntrySequence = 1,
            EntryHash = new string('e', 64),
            DataSet = new string('d', 64),
        };
        await bench.Grains.GetGrain<INodeGrain>(id).RecordReceiptAsync(
            new LedgerMirrorEntry { Federation = "mail", Round = 1, Receipt = receipt, At = bench.Time.GetUtcNow() }, default);
        Assert.Equal("node-receipts", await DeleteAsync(bench, forget: false));
        Assert.Null(await DeleteAsync(bench, forget: true));
        Assert.Empty((await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes);
        Assert.Equal("node-unknown", await AnswerAsync(bench, identity));
        Assert.Equal("node-unknown-name", await DeleteAsync(bench, forget: true));
        var (next, nextId) = await bench.JoinAsync("a");
        Assert.NotEqual(id, nextId);
        Assert.Null(await AnswerAsync(bench, next));
        identity.Dispose();
        next.Dispose();
    }

    private static async Task<string?> DeleteAsync(TlsBench bench, bool forget)
    {
        try
        {
            await bench.Operator.Upkeep.DeleteNodeAsync(new DeleteNodeRequest { Node = "a", ForgetReceipts = forget },
                bench.Operator.Options(default));
            return null;
        }
        catch (RpcException error)
        {
            return bench.Operator.Explain(error).Code;
        }
    }

    private static async Task<string?> AnswerAsync(TlsBench bench, PeerIdentity identity)
    {
        using var connection = new CoordinatorConnection(bench.Url, identity: identity);
        try
        {
            await connection.Node.PollTaskAsync(new PollTaskRequest { Profile = new NodeProfile() },
                connection.Options(default, Bench.Never));
            return null;
        }
        catch (RpcException error)
        {
            return connection.Explain(error).Code;
        }
    }
}
