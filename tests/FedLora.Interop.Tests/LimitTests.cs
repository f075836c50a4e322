using Fedlora.Probe.V1;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Interop.Tests;

/// <summary>Sizes of messages, and messages that are none.</summary>
public sealed class LimitTests
{
    private static readonly Packet Large = Packets.Of(1, 10_000);

    private static readonly (string Side, Action<GrpcServiceOptions>? Server,
        Action<global::Grpc.Net.Client.GrpcChannelOptions>? Client)[] Sides =
        [
            ("server receives", options => options.MaxReceiveMessageSize = 9000, null),
            ("server sends", options => options.MaxSendMessageSize = 9000, null),
            ("client receives", null, options => options.MaxReceiveMessageSize = 9000),
            ("client sends", null, options => options.MaxSendMessageSize = 9000),
        ];

    [Fact]
    public async Task A_message_over_a_limit_ends_its_call_and_no_other()
    {
        foreach (var (side, atServer, atClient) in Sides)
        {
            await using var server = await ProbeServer.StartAsync(atServer);
            var client = server.Client(atClient);
            using var other = client.Chat();
            await other.RequestStream.WriteAsync(Packets.Of(1));
            var thrown = await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(Large));
            Assert.True(thrown.StatusCode == StatusCode.ResourceExhausted, $"{side}: {thrown.Status}");
            Assert.True(await other.ResponseStream.MoveNext(), side);
            await other.RequestStream.CompleteAsync();
            Assert.False(await other.ResponseStream.MoveNext(), side);
        }
    }

    [Fact]
    public async Task Four_MiB_may_be_received_unless_said_otherwise()
    {
        await using var server = await ProbeServer.StartAsync();
        var atLimit = Packets.Of(0, 4 * 1024 * 1024 - 5);
        Assert.Equal(4 * 1024 * 1024, atLimit.CalculateSize());
        Assert.Equal(atLimit, await server.Client().EchoAsync(atLimit));
        var over = Packets.Of(0, 4 * 1024 * 1024 - 4);
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().EchoAsync(over));
        Assert.Equal(StatusCode.ResourceExhausted, thrown.StatusCode);
    }

    [Fact]
    public async Task A_service_may_have_limits_of_its_own()
    {
        await using var server = await ProbeServer.StartAsync(
            options => options.MaxReceiveMessageSize = 100,
            services => services.AddGrpc().AddServiceOptions<ProbeService>(options => options.MaxReceiveMessageSize = 20_000));
        Assert.Equal(Large, await server.Client().EchoAsync(Large));
    }

    public static TheoryData<string, byte[], string> Malformed => new()
    {
        { "not a protobuf message", RawCall.Frame([0xff, 0xff, 0xff]), "2" },
        { "an unknown flag", RawCall.Frame([], flag: 7), "2" },
        { "ends within the header", [0, 0], "13" },
        { "ends within the message", [0, 0, 0, 0, 9, 1], "13" },
        { "nothing at all", [], "13" },
        { "two messages", [.. RawCall.Frame([]), .. RawCall.Frame([])], "13" },
        { "four GiB announced", [0, 0xff, 0xff, 0xff, 0xff], "2" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_malformed_message_ends_its_call_and_nothing_else(string what, byte[] body, string status)
    {
        await using var server = await ProbeServer.StartAsync();
        using var other = server.Client().Chat();
        await other.RequestStream.WriteAsync(Packets.Of(1));
        using var response = await RawCall.SendAsync(server, "Echo", body);
        Assert.True(status == RawCall.Status(response), $"{what}: {RawCall.Status(response)}");
        Assert.True(await other.ResponseStream.MoveNext());
        Assert.Equal(Packets.Of(2), await server.Client().EchoAsync(Packets.Of(2)));
    }

    [Fact]
    public async Task A_request_that_is_not_gRPC_is_refused_as_HTTP_says()
    {
        await using var server = await ProbeServer.StartAsync();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Address + "/fedlora.probe.v1.Probe/Echo")
        {
            Version = new Version(2, 0),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json"),
        };
        using var response = await http.SendAsync(request);
        Assert.Equal(415, (int)response.StatusCode);
        Assert.Equal("13", RawCall.Status(response));
    }
}
