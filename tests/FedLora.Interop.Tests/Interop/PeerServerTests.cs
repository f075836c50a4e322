using System.Text;
using Fedlora.Probe.V1;
using Google.Protobuf;
using Grpc.Core;

namespace FedLora.Interop.Tests.Interop;

/// <summary>Grpc.Net.Client calls other people's servers.</summary>
[Trait("Category", "Interop")]
public sealed class PeerServerTests
{
    private static readonly Dictionary<string, Func<PeerServer, Task>> All = new(StringComparer.Ordinal)
    {
        ["unary"] = Unary,
        ["client_streaming"] = ClientStreaming,
        ["server_streaming"] = ServerStreaming,
        ["duplex"] = Duplex,
        ["large"] = Large,
        ["deadline"] = Deadline,
        ["cancel"] = Cancel,
        ["malformed request"] = MalformedRequest,
        ["malformed response"] = MalformedResponse,
        ["status"] = StatusText,
        ["metadata"] = MetadataBothWays,
        ["gzip"] = Gzip,
        ["unimplemented"] = Unimplemented,
    };

    public static TheoryData<string> Scenarios => [.. All.Keys];

    [Theory(Skip = Peers.NoNode, SkipType = typeof(Peers), SkipUnless = nameof(Peers.NodeIsHere))]
    [MemberData(nameof(Scenarios))]
    public Task Grpc_js(string scenario) => RunAsync(Peers.Node, scenario);

    [Theory(Skip = Peers.NoPython, SkipType = typeof(Peers), SkipUnless = nameof(Peers.PythonIsHere))]
    [MemberData(nameof(Scenarios))]
    public Task Grpcio(string scenario) => RunAsync(Peers.Python, scenario);

    private static async Task RunAsync(string peer, string scenario)
    {
        await using var server = await PeerServer.StartAsync(peer);
        await All[scenario](server).WaitAsync(Within.Limit);
    }

    private static async Task Unary(PeerServer server) =>
        Assert.Equal(Packets.Of(7, 100), await server.Client().EchoAsync(Packets.Of(7, 100)));

    private static async Task ClientStreaming(PeerServer server)
    {
        using var call = server.Client().Collect();
        for (var i = 0; i < 100; i++) await call.RequestStream.WriteAsync(Packets.Of(i, 1000));
        await call.RequestStream.CompleteAsync();
        Assert.Equal(new Total { Count = 100, Bytes = 100_000 }, await call);
    }

    private static async Task ServerStreaming(PeerServer server)
    {
        using var call = server.Client().Repeat(Packets.Of(100, 1000));
        Assert.Equal(Enumerable.Range(0, 100), await call.ResponseStream.ReadAllAsync().Select(packet => packet.Count).ToListAsync());
    }

    private static async Task Duplex(PeerServer server)
    {
        using var call = server.Client().Chat();
        for (var i = 0; i < 20; i++)
        {
            await call.RequestStream.WriteAsync(Packets.Of(i));
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(i, call.ResponseStream.Current.Count);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    private static async Task Large(PeerServer server)
    {
        var request = Packets.Of(1, 64 * 1024 * 1024);
        Assert.Equal(request, await server.Client().EchoAsync(request));
    }

    private static async Task Deadline(PeerServer server)
    {
        // Long enough to reach the peer on a busy machine.
        using var call = server.Client().Wait(Packets.Of(1), deadline: DateTime.UtcNow.AddSeconds(3));
        var thrown = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await foreach (var packet in call.ResponseStream.ReadAllAsync()) Assert.Equal(1, packet.Count);
        });
        Assert.Equal(StatusCode.DeadlineExceeded, thrown.StatusCode);
        Assert.Equal("wait ended", await server.NextLineAsync());
    }

    private static async Task Cancel(PeerServer server)
    {
        using var cancel = new CancellationTokenSource();
        using var call = server.Client().Wait(Packets.Of(1), cancellationToken: cancel.Token);
        Assert.True(await call.ResponseStream.MoveNext());
        await cancel.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext())).StatusCode);
        Assert.Equal("wait ended", await server.NextLineAsync());
    }

    private static async Task MalformedRequest(PeerServer server)
    {
        var raw = Marshallers.Create(bytes => bytes, bytes => bytes);
        var echo = new Method<byte[], byte[]>(MethodType.Unary, "fedlora.probe.v1.Probe", "Echo", raw, raw);
        using var channel = server.Channel();
        await AfterAsync(channel, async () => await channel.CreateCallInvoker().AsyncUnaryCall(echo, null, default, [0xff, 0xff, 0xff]));
    }

    private static async Task MalformedResponse(PeerServer server)
    {
        using var channel = server.Channel();
        var failure = await AfterAsync(channel, async () => await new Probe.ProbeClient(channel).EchoAsync(Packets.Of(-1)));
        // Protobuf's exception is an IOException, and grpc-dotnet takes each of those for a lost connection.
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
    }

    /// <summary>The malformed message fails its call; a stream that was open before goes on, and further calls work.</summary>
    private static async Task<RpcException> AfterAsync(ChannelBase channel, Func<Task> malformed)
    {
        var client = new Probe.ProbeClient(channel);
        using var other = client.Chat();
        var failure = await Assert.ThrowsAsync<RpcException>(malformed);
        await other.RequestStream.WriteAsync(Packets.Of(5));
        Assert.True(await other.ResponseStream.MoveNext());
        Assert.Equal(6, (await client.EchoAsync(Packets.Of(6))).Count);
        return failure;
    }

    private static async Task StatusText(PeerServer server)
    {
        const string Text = "no: 100 % ü \n \U0001F600";
        var request = new Packet { Count = 9, Payload = ByteString.CopyFrom(Text, Encoding.UTF8) };
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().FailAsync(request));
        Assert.Equal((StatusCode.FailedPrecondition, Text), (thrown.StatusCode, thrown.Status.Detail));
    }

    private static async Task MetadataBothWays(PeerServer server)
    {
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        using var call = server.Client().EchoAsync(Packets.Of(1), new Metadata { { "text", "plain" }, { "bytes-bin", bytes } });
        await call;
        Assert.Equal("plain", call.GetTrailers().GetValue("text"));
        Assert.Equal(bytes, call.GetTrailers().GetValueBytes("bytes-bin"));
    }

    private static async Task Gzip(PeerServer server)
    {
        var request = new Packet { Payload = UnsafeByteOperations.UnsafeWrap(new byte[100_000]) };
        Assert.Equal(request, await server.Client().EchoAsync(request, new Metadata { { "grpc-internal-encoding-request", "gzip" } }));
    }

    private static async Task Unimplemented(PeerServer server)
    {
        var raw = Marshallers.Create(bytes => bytes, bytes => bytes);
        var missing = new Method<byte[], byte[]>(MethodType.Unary, "fedlora.probe.v1.Probe", "Missing", raw, raw);
        using var channel = server.Channel();
        var thrown = await Assert.ThrowsAsync<RpcException>(
            async () => await channel.CreateCallInvoker().AsyncUnaryCall(missing, null, default, []));
        Assert.Equal(StatusCode.Unimplemented, thrown.StatusCode);
    }
}
