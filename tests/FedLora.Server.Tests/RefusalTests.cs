using FedLora.Client.Connection;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using FedLora.Server.Hosting;
using Grpc.Core;

namespace FedLora.Server.Tests;

public class RefusalTests
{
    [Fact]
    public async Task A_wrong_join_token_is_refused()
    {
        await using var bench = await Bench.StartAsync();
        var error = await Assert.ThrowsAsync<FedLoraException>(
            () => bench.RunNodeAsync("a", "wrong", new FakeTrainer(1), CancellationToken.None));
        Assert.Equal("token-invalid", error.Code);
    }

    [Fact]
    public async Task A_token_is_used_once()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync();
        using var end = new CancellationTokenSource();
        var trainer = new FakeTrainer(1);
        var first = bench.RunNodeAsync("a", token, trainer, end.Token);
        await trainer.Asked.WaitAsync(Bench.Never);
        Assert.Equal("token-invalid",
            (await Assert.ThrowsAsync<FedLoraException>(
                () => bench.RunNodeAsync("b", token, new FakeTrainer(1), CancellationToken.None))).Code);
        await end.CancelAsync();
        await first;
    }

    [Fact]
    public async Task Without_the_operator_token_nothing_is_told()
    {
        await using var bench = await Bench.StartAsync();
        using var stranger = new CoordinatorConnection(bench.Operator.Url) { Credential = "guess" };
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await stranger.Admin.ListNodesAsync(new ListNodesRequest(), stranger.Options(default)));
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
        Assert.Equal("operator-credential", RpcErrors.FromRpc(error, stranger.Url).Code);
    }

    [Fact]
    public async Task A_stranger_gets_no_task()
    {
        await using var bench = await Bench.StartAsync();
        using var stranger = new CoordinatorConnection(bench.Operator.Url) { Credential = $"{new string('a', 32)}.guess" };
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await stranger.Node.PollTaskAsync(new PollTaskRequest { Profile = new NodeProfile() }, stranger.Options(default)));
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
    }

    [Fact]
    public async Task A_revoked_node_ends()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync();
        var trainer = new FakeTrainer(1);
        var node = bench.RunNodeAsync("a", token, trainer, CancellationToken.None);
        await trainer.Asked.WaitAsync(Bench.Never);
        await bench.Operator.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = "a" }, bench.Operator.Options(default));
        Assert.Equal("node-revoked", (await Assert.ThrowsAsync<FedLoraException>(() => node.WaitAsync(Bench.Never))).Code);
    }

    [Fact]
    public async Task A_data_folder_has_one_coordinator_and_a_port_too()
    {
        await using var bench = await Bench.StartAsync();
        var folder = await Assert.ThrowsAsync<FedLoraException>(
            () => CoordinatorHost.StartAsync(new ServerOptions { Data = bench.Data, Listen = "http://127.0.0.1:0" }, null, default));
        Assert.Equal("data-locked", folder.Code);
        var port = await Assert.ThrowsAsync<FedLoraException>(
            () => CoordinatorHost.StartAsync(new ServerOptions { Data = bench.Scratch("other"), Listen = bench.Operator.Url }, null,
                default));
        Assert.Equal("port-in-use", port.Code);
    }

    [Theory]
    [InlineData("http://0.0.0.0:5080", "listen-insecure")]
    [InlineData("127.0.0.1:5080", "listen-invalid")]
    public async Task Plain_http_is_for_loopback_only(string listen, string code)
    {
        var data = Path.Combine(Path.GetTempPath(), $"fedlora-{Guid.NewGuid():N}");
        Assert.Equal(code,
            (await Assert.ThrowsAsync<FedLoraException>(
                () => CoordinatorHost.StartAsync(new ServerOptions { Data = data, Listen = listen }, null, default))).Code);
        Assert.False(Directory.Exists(data));
    }
}
