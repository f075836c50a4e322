using FedLora.Client.Connection;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using FedLora.Tests;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace FedLora.Server.Tests.Cluster;

/// <summary>A coordinator without a silo beside one with: who calls it sees no difference.</summary>
public sealed class FrontendTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-frontend-");
    private CoordinatorHost? _silo;
    private string _postgres = "";

    private string SiloData => Path.Combine(_folder.FullName, "silo");

    [Fact]
    public async Task A_federation_runs_through_it()
    {
        await using var bench = await StartAsync();
        using var end = new CancellationTokenSource();
        var node = bench.RunNodeAsync("a", await bench.TokenAsync(), new FakeTrainer(1), end.Token);
        await bench.UntilEnrolledAsync("a");
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 2, nodes: 1));
        var view = await bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal([1u, 1u], view.Rounds.Select(round => round.Updates));
        Assert.Equal(view.Adapter.Sha256, (await bench.AdapterAsync(2)).Hash);
        var replay = await bench.Operator.Admin.ReplayRoundAsync(new ReplayRoundRequest { Federation = "test", Round = 2 },
            bench.Operator.Options(default));
        Assert.Equal(replay.StoredSha256, replay.ReplayedSha256);
        await end.CancelAsync();
        await node;
        // All that came is in the database: the frontend's folder holds who may call it, and what was done through it.
        Assert.False(Directory.Exists(Path.Combine(bench.Data, "blobs")));
        Assert.False(File.Exists(Path.Combine(bench.Data, "state.db")));
        using var channel = GrpcChannel.ForAddress(bench.Operator.Url);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving,
            (await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest())).Status);
    }

    [Fact]
    public async Task Its_nodes_are_seen_to_come_and_go()
    {
        await using var bench = await StartAsync();
        using (var node = new CoordinatorConnection(bench.Operator.Url))
        {
            node.Credential = (await bench.Operator.Enrolment.EnrolAsync(
                new EnrolRequest { Token = await bench.TokenAsync(), Name = "a", RequestId = "1" })).Credential;
            await node.Node.PollTaskAsync(new PollTaskRequest { Profile = new NodeProfile() }, node.Options(default));
            Assert.True(await IsOnlineAsync());
        }

        await Until.SoAsync("the node is seen to have gone", async () => !await IsOnlineAsync(), limit: TimeSpan.FromMinutes(1));

        async Task<bool> IsOnlineAsync() =>
            (await bench.Operator.Admin.ListNodesAsync(new(), bench.Operator.Options(default))).Nodes.Single().Online;
    }

    [Fact]
    public async Task Who_is_revoked_at_another_coordinator_is_cut_off_here()
    {
        await using var bench = await StartAsync();
        var reply = await bench.Operator.Enrolment.EnrolAsync(
            new EnrolRequest { Token = await bench.TokenAsync(), Name = "a", RequestId = "1" });
        var poll = bench.Operator.Node.PollTaskAsync(new PollTaskRequest { Profile = new NodeProfile(), WaitSeconds = 50 },
            new CallOptions(Bearer.Of(reply.Credential), DateTime.UtcNow + Bench.Never)).ResponseAsync;
        await bench.UntilEnrolledAsync("a");
        using var other = new CoordinatorConnection(_silo!.Url) { Credential = bench.Operator.Credential };
        await other.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = "a" }, other.Options(default));
        var error = await Assert.ThrowsAsync<RpcException>(() => poll.WaitAsync(Bench.Never, TestContext.Current.CancellationToken));
        Assert.Equal("node-revoked", RpcErrors.FromRpc(error, "").Code);
    }

    [Fact]
    public async Task Without_a_coordinator_behind_it_it_says_so()
    {
        await using var bench = await StartAsync();
        await _silo!.DisposeAsync();
        _silo = null;
        var error = await Assert.ThrowsAsync<RpcException>(async () => await bench.Operator.Admin.ListFederationsAsync(
            new ListFederationsRequest(), bench.Operator.Options(default)));
        Assert.Equal((StatusCode.Unavailable, "coordinator-away"), (error.StatusCode, RpcErrors.FromRpc(error, "").Code));
    }

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null)
            await _silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<Bench> StartAsync()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        _postgres = PostgresServer.NewDatabase();
        _silo = await CoordinatorHost.StartAsync(new ServerOptions { Data = SiloData, Listen = "http://127.0.0.1:0", Postgres = _postgres },
            null, TestContext.Current.CancellationToken);
        return await Bench.StartAsync(root =>
        {
            var data = Directory.CreateDirectory(Path.Combine(root, "server")).FullName;
            foreach (var role in (string[])[Roles.Operator, Roles.Auditor])
                File.Copy(AccessTokens.FileOf(SiloData, role), AccessTokens.FileOf(data, role));
        }, options: server => (server.Postgres, server.Frontend) = (_postgres, true));
    }
}
