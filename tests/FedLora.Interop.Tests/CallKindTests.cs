using Fedlora.Probe.V1;
using Grpc.Core;

namespace FedLora.Interop.Tests;

/// <summary>The four kinds of call, client to server.</summary>
public sealed class CallKindTests
{
    [Fact]
    public async Task Unary()
    {
        await using var server = await ProbeServer.StartAsync();
        var request = Packets.Of(7, 1000);
        using var call = server.Client().EchoAsync(request);
        Assert.Equal(request, await call);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        Assert.Equal(request, server.Client().Echo(request));
    }

    [Fact]
    public async Task Client_streaming()
    {
        await using var server = await ProbeServer.StartAsync();
        using var call = server.Client().Collect();
        for (var i = 0; i < 100; i++) await call.RequestStream.WriteAsync(Packets.Of(i, 10 * i));
        await call.RequestStream.CompleteAsync();
        Assert.Equal(new Total { Count = 100, Bytes = 49500 }, await call);
    }

    [Fact]
    public async Task Server_streaming()
    {
        await using var server = await ProbeServer.StartAsync();
        using var call = server.Client().Repeat(Packets.Of(100, 1000));
        var received = await call.ResponseStream.ReadAllAsync().Select(packet => packet.Count).ToListAsync();
        Assert.Equal(Enumerable.Range(0, 100), received);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task An_empty_stream_of_responses_ends_at_once()
    {
        await using var server = await ProbeServer.StartAsync();
        using var call = server.Client().Repeat(Packets.Of(0));
        Assert.False(await call.ResponseStream.MoveNext());
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task Duplex_streaming_answers_each_request_before_the_next_is_sent()
    {
        await using var server = await ProbeServer.StartAsync();
        using var call = server.Client().Chat();
        for (var i = 0; i < 50; i++)
        {
            await call.RequestStream.WriteAsync(Packets.Of(i));
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(i, call.ResponseStream.Current.Count);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task Many_calls_share_a_channel()
    {
        await using var server = await ProbeServer.StartAsync();
        var client = server.Client();
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(async i => (await client.EchoAsync(Packets.Of(i))).Count));
        Assert.Equal(Enumerable.Range(0, 300), answers);
    }

    [Fact]
    public async Task A_message_of_64_MiB_goes_both_ways()
    {
        await using var server = await ProbeServer.StartAsync(options => options.MaxReceiveMessageSize = null);
        var request = Packets.Of(1, 64 * 1024 * 1024);
        Assert.Equal(request, await server.Client(options => options.MaxReceiveMessageSize = null).EchoAsync(request));
    }
}
