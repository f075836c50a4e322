using Fedlora.Probe.V1;
using Google.Protobuf;
using Grpc.Core;

namespace FedLora.Interop.Tests;

/// <summary>How a call's end reaches the caller.</summary>
public sealed class StatusTests
{
    [Fact]
    public async Task Every_code_and_any_text_arrive_as_they_were_thrown()
    {
        await using var server = await ProbeServer.StartAsync();
        var client = server.Client();
        foreach (var code in Enum.GetValues<StatusCode>().Where(code => code != StatusCode.OK))
        {
            const string Text = "100 % of \"Ünïcödé\"\r\n\t\0 λ \U0001F600 %41";
            var request = new Packet { Count = (int)code, Payload = ByteString.CopyFromUtf8(Text) };
            using var call = client.FailAsync(request);
            var thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
            Assert.Equal(code, thrown.StatusCode);
            Assert.Equal(Text, thrown.Status.Detail);
            Assert.Equal(code, call.GetStatus().StatusCode);
        }
    }

    [Fact]
    public async Task A_status_without_messages_is_one_header_block()
    {
        await using var server = await ProbeServer.StartAsync();
        using var response = await RawCall.SendAsync(server, "Fail", RawCall.Frame(new Packet { Count = 5 }.ToByteArray()));
        Assert.Equal("5", Assert.Single(response.Headers.GetValues("grpc-status")));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Empty(response.TrailingHeaders);
    }

    [Fact]
    public async Task What_a_handler_throws_is_unknown_and_kept_secret()
    {
        await using var server = await ProbeServer.StartAsync();
        server.Events.OnCall = _ => throw new InvalidOperationException("secret");
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().EchoAsync(new Packet()));
        Assert.Equal(StatusCode.Unknown, thrown.StatusCode);
        Assert.Equal("Exception was thrown by handler.", thrown.Status.Detail);
    }

    [Fact]
    public async Task Detailed_errors_tell_the_exception()
    {
        await using var server = await ProbeServer.StartAsync(options => options.EnableDetailedErrors = true);
        server.Events.OnCall = _ => throw new InvalidOperationException("known");
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().EchoAsync(new Packet()));
        Assert.Equal("Exception was thrown by handler. InvalidOperationException: known", thrown.Status.Detail);
    }

    [Fact]
    public async Task A_status_that_a_handler_sets_ends_a_stream_after_its_messages()
    {
        await using var server = await ProbeServer.StartAsync();
        server.Events.OnCall = context =>
        {
            context.Status = new Status(StatusCode.DataLoss, "half of it");
            return Task.CompletedTask;
        };
        using var call = server.Client().Repeat(Packets.Of(2));
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.True(await call.ResponseStream.MoveNext());
        var thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.DataLoss, "half of it"), (thrown.StatusCode, thrown.Status.Detail));
    }

    [Fact]
    public async Task Status_and_trailers_are_not_there_before_the_end()
    {
        await using var server = await ProbeServer.StartAsync();
        using var call = server.Client().Wait(new Packet());
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.Throws<InvalidOperationException>(() => call.GetStatus());
        Assert.Throws<InvalidOperationException>(() => call.GetTrailers());
    }

    [Theory]
    [InlineData("/fedlora.probe.v1.Probe/Nothing", "Method is unimplemented.")]
    [InlineData("/nobody.Service/Method", "Service is unimplemented.")]
    public async Task What_is_not_served_is_unimplemented(string path, string detail)
    {
        await using var server = await ProbeServer.StartAsync();
        using var response = await RawCall.SendAsync(server, path, RawCall.Frame([]));
        Assert.Equal("12", Assert.Single(response.Headers.GetValues("grpc-status")));
        Assert.Equal(detail, Assert.Single(response.Headers.GetValues("grpc-message")));
    }

    [Fact]
    public async Task Routes_that_are_not_gRPC_stay_as_they_are()
    {
        await using var server = await ProbeServer.StartAsync();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Address + "/plain") { Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Assert.Equal("not gRPC", await (await http.SendAsync(request)).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_page_that_is_not_gRPC_is_told_apart_from_a_service()
    {
        await using var server = await ProbeServer.StartAsync();
        var method = new Method<Packet, Packet>(
            MethodType.Unary, "plain", "nothing", Marshallers.Create(Google.Protobuf.MessageExtensions.ToByteArray, Packet.Parser.ParseFrom),
            Marshallers.Create(Google.Protobuf.MessageExtensions.ToByteArray, Packet.Parser.ParseFrom));
        using var channel = server.Channel(options => options.HttpHandler = new Rewrite("/absent/at/all"));
        var call = channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, new Packet());
        var thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal((StatusCode.Unimplemented, "Bad gRPC response. HTTP status code: 404"), (thrown.StatusCode, thrown.Status.Detail));
    }

    private sealed class Rewrite(string path) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri = new Uri(request.RequestUri!, path);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
