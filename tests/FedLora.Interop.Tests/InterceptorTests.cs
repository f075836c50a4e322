using Fedlora.Probe.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace FedLora.Interop.Tests;

/// <summary>Interceptors of client and server, and credentials of calls.</summary>
public sealed class InterceptorTests
{
    [Fact]
    public async Task Server_interceptors_see_all_kinds_of_call_the_first_registered_first()
    {
        var seen = new List<string>();
        await using var server = await ProbeServer.StartAsync(options =>
        {
            options.Interceptors.Add<Recorder>("outer", seen);
            options.Interceptors.Add<Recorder>("inner", seen);
        });
        var client = server.Client();
        await client.EchoAsync(new Packet());
        using var collect = client.Collect();
        await collect.RequestStream.CompleteAsync();
        await collect;
        using var repeat = client.Repeat(new Packet());
        Assert.False(await repeat.ResponseStream.MoveNext());
        using var chat = client.Chat();
        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext());
        Assert.Equal(
            ["outer Echo", "inner Echo", "outer Collect", "inner Collect", "outer Repeat", "inner Repeat", "outer Chat", "inner Chat"], seen);
    }

    [Fact]
    public async Task A_server_interceptor_may_refuse_a_call()
    {
        await using var server = await ProbeServer.StartAsync(options => options.Interceptors.Add<Guard>());
        var client = server.Client();
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(new Packet()));
        Assert.Equal(StatusCode.Unauthenticated, thrown.StatusCode);
        Assert.Equal(3, (await client.EchoAsync(Packets.Of(3), new Metadata { { "authorization", "Bearer t" } })).Count);
    }

    [Fact]
    public async Task Client_interceptors_see_all_kinds_of_call_the_first_given_first()
    {
        await using var server = await ProbeServer.StartAsync();
        var seen = new List<string>();
        using var channel = server.Channel();
        var client = new Probe.ProbeClient(channel.Intercept(new Recorder("outer", seen), new Recorder("inner", seen)));
        client.Echo(new Packet());
        await client.EchoAsync(new Packet());
        using var collect = client.Collect();
        using var repeat = client.Repeat(new Packet());
        using var chat = client.Chat();
        string[] methods = ["Echo", "Echo", "Collect", "Repeat", "Chat"];
        Assert.Equal(methods.SelectMany(method => new[] { $"outer {method}", $"inner {method}" }), seen);
    }

    [Fact]
    public async Task A_client_may_add_headers_to_every_call()
    {
        await using var server = await ProbeServer.StartAsync(options => options.Interceptors.Add<Guard>());
        using var channel = server.Channel();
        var client = new Probe.ProbeClient(channel.Intercept(headers =>
        {
            headers.Add("authorization", "Bearer t");
            return headers;
        }));
        Assert.Equal(4, (await client.EchoAsync(Packets.Of(4))).Count);
    }

    [Fact]
    public async Task Call_credentials_of_channel_and_call_are_sent_where_the_channel_may_send_them()
    {
        await using var server = await ProbeServer.StartAsync();
        Metadata? seen = null;
        server.Events.OnCall = context =>
        {
            seen = context.RequestHeaders;
            return Task.CompletedTask;
        };
        var ofChannel = CallCredentials.FromInterceptor((context, metadata) =>
        {
            metadata.Add("authorization", $"Bearer {context.MethodName} {context.ServiceUrl}");
            return Task.CompletedTask;
        });
        var ofCall = CallCredentials.FromInterceptor(async (_, metadata) =>
        {
            await Task.Yield();
            metadata.Add("node", "n1");
        });
        foreach (var allowed in new[] { true, false })
        {
            var client = server.Client(options =>
            {
                options.Credentials = ChannelCredentials.Create(ChannelCredentials.Insecure, ofChannel);
                options.UnsafeUseInsecureChannelCallCredentials = allowed;
            });
            await client.EchoAsync(new Packet(), new CallOptions(credentials: ofCall));
            Assert.Equal(allowed ? $"Bearer Echo {server.Address}/fedlora.probe.v1.Probe" : null, seen!.GetValue("authorization"));
            Assert.Equal(allowed ? "n1" : null, seen.GetValue("node"));
        }
    }

    [Fact]
    public async Task Credentials_that_fail_end_the_call_with_their_status()
    {
        await using var server = await ProbeServer.StartAsync();
        var client = server.Client(options => options.UnsafeUseInsecureChannelCallCredentials = true);
        var failing = CallCredentials.FromInterceptor((_, _) => throw new RpcException(new Status(StatusCode.Unauthenticated, "no token yet")));
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(new Packet(), new CallOptions(credentials: failing)));
        Assert.Equal((StatusCode.Unauthenticated, "no token yet"), (thrown.StatusCode, thrown.Status.Detail));
    }

    [Fact]
    public void Credentials_must_fit_the_address()
    {
        Assert.Throws<InvalidOperationException>(() => global::Grpc.Net.Client.GrpcChannel.ForAddress(
            "http://localhost:1", new global::Grpc.Net.Client.GrpcChannelOptions { Credentials = ChannelCredentials.SecureSsl }));
        Assert.Throws<InvalidOperationException>(() => global::Grpc.Net.Client.GrpcChannel.ForAddress("ftp://localhost:1"));
    }

    private sealed class Guard : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
            context.RequestHeaders.GetValue("authorization") == "Bearer t"
                ? continuation(request, context)
                : throw new RpcException(new Status(StatusCode.Unauthenticated, "a token is missing"));
    }
}
