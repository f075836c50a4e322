using System.Net;
using System.Net.Sockets;
using Fedlora.Probe.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace FedLora.Interop.Tests;

/// <summary>Servers that are not there, or not any more: UNAVAILABLE, so that a caller knows it may try again.</summary>
public sealed class UnavailableTests
{
    [Fact]
    public async Task Nobody_listens()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}");
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await new Probe.ProbeClient(channel).EchoAsync(new Packet()));
        Assert.Equal(StatusCode.Unavailable, thrown.StatusCode);
    }

    [Fact]
    public async Task The_server_shuts_down_in_mid_stream()
    {
        await using var server = await ProbeServer.StartAsync();
        using var call = server.Client().Wait(new Packet());
        Assert.True(await call.ResponseStream.MoveNext());
        var next = call.ResponseStream.MoveNext();
        await server.StopAsync(TimeSpan.Zero);
        var thrown = await Assert.ThrowsAsync<RpcException>(() => next.WaitAsync(Within.Limit));
        Assert.Equal(StatusCode.Unavailable, thrown.StatusCode);
    }

    [Fact]
    public async Task The_connection_is_reset_in_mid_stream()
    {
        await using var server = await ProbeServer.StartAsync();
        await using var relay = Relay.To(server.Address);
        using var channel = GrpcChannel.ForAddress(relay.Address);
        using var call = new Probe.ProbeClient(channel).Wait(new Packet());
        Assert.True(await call.ResponseStream.MoveNext());
        var next = call.ResponseStream.MoveNext();
        relay.Reset();
        var thrown = await Assert.ThrowsAsync<RpcException>(() => next.WaitAsync(Within.Limit));
        Assert.Equal(StatusCode.Unavailable, thrown.StatusCode);
        Assert.Null(await server.Events.NextWaitEndedAsync());
    }

    [Fact]
    public async Task A_channel_finds_a_server_that_has_come_back()
    {
        var server = await ProbeServer.StartAsync();
        await using var relay = Relay.To(server.Address);
        using var channel = GrpcChannel.ForAddress(relay.Address);
        var client = new Probe.ProbeClient(channel);
        await client.EchoAsync(new Packet());
        await server.DisposeAsync();
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(new Packet()));
        Assert.Equal(StatusCode.Unavailable, thrown.StatusCode);
        await using var next = await ProbeServer.StartAsync();
        relay.Target = new Uri(next.Address);
        Assert.Equal(5, (await client.EchoAsync(Packets.Of(5))).Count);
    }

    [Fact]
    public async Task A_line_that_has_gone_silent_is_noticed_by_pings()
    {
        await using var server = await ProbeServer.StartAsync();
        await using var relay = Relay.To(server.Address);
        using var channel = GrpcChannel.ForAddress(relay.Address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                KeepAlivePingDelay = TimeSpan.FromSeconds(1),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            },
        });
        using var call = new Probe.ProbeClient(channel).Wait(new Packet());
        Assert.True(await call.ResponseStream.MoveNext());
        relay.IsSilent = true;
        var thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Within.Limit));
        Assert.True(StatusCode.Unavailable == thrown.StatusCode, thrown.ToString());
    }

    [Theory]
    [InlineData(0x0, 1)]
    [InlineData(0x2, 1)]
    [InlineData(0xb, 1)]
    [InlineData(0x0, 0)]
    public async Task The_server_goes_away(uint code, uint lastStream)
    {
        await using var server = FrameServer.GoesAway(code, lastStream);
        var thrown = await FailAsync(server);
        Assert.True(StatusCode.Unavailable == thrown.StatusCode, thrown.ToString());
    }

    [Theory]
    [InlineData(0x2, StatusCode.Internal)]
    [InlineData(0x7, StatusCode.Unavailable)]
    [InlineData(0x8, StatusCode.Cancelled)]
    [InlineData(0xb, StatusCode.ResourceExhausted)]
    [InlineData(0xc, StatusCode.PermissionDenied)]
    public async Task The_server_resets_the_stream(uint code, StatusCode status)
    {
        await using var server = FrameServer.Resets(code);
        var thrown = await FailAsync(server);
        Assert.True(status == thrown.StatusCode, thrown.ToString());
    }

    private static async Task<RpcException> FailAsync(FrameServer server)
    {
        using var channel = GrpcChannel.ForAddress(server.Address);
        return await Assert.ThrowsAsync<RpcException>(() => new Probe.ProbeClient(channel).EchoAsync(new Packet()).ResponseAsync.WaitAsync(Within.Limit));
    }
}
