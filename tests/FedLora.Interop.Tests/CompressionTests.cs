using System.IO.Compression;
using Fedlora.Probe.V1;
using Google.Protobuf;
using Grpc.Core;

namespace FedLora.Interop.Tests;

/// <summary>gzip, both ways, message by message.</summary>
public sealed class CompressionTests
{
    private const string Requested = "grpc-internal-encoding-request";

    private static readonly Packet Compressible = new() { Count = 1, Payload = UnsafeByteOperations.UnsafeWrap(new byte[100_000]) };

    [Fact]
    public async Task Requests_and_responses_may_be_compressed()
    {
        await using var server = await ProbeServer.StartAsync(options => options.ResponseCompressionAlgorithm = "gzip");
        string? encoding = null;
        server.Events.OnCall = context =>
        {
            encoding = context.GetHttpContext().Request.Headers["grpc-encoding"];
            return Task.CompletedTask;
        };
        Assert.Equal(Compressible, await server.Client().EchoAsync(Compressible, new Metadata { { Requested, "gzip" } }));
        Assert.Equal("gzip", encoding);
        using var chat = server.Client().Chat(new Metadata { { Requested, "gzip" } });
        foreach (var flags in new[] { default, WriteFlags.NoCompress, default })
        {
            chat.RequestStream.WriteOptions = new WriteOptions(flags);
            await chat.RequestStream.WriteAsync(Compressible);
            Assert.True(await chat.ResponseStream.MoveNext());
            Assert.Equal(Compressible, chat.ResponseStream.Current);
        }
    }

    [Theory]
    [InlineData("identity,gzip", false, 1)]
    [InlineData("identity,gzip", true, 0)]
    [InlineData("identity", false, 0)]
    public async Task A_response_is_compressed_for_callers_that_take_it_unless_the_handler_forbids_it(string accepted, bool forbid, byte flag)
    {
        await using var server = await ProbeServer.StartAsync(options => options.ResponseCompressionAlgorithm = "gzip");
        server.Events.OnCall = context =>
        {
            if (forbid) context.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
            return Task.CompletedTask;
        };
        using var response = await RawCall.SendAsync(
            server, "Echo", RawCall.Frame(Compressible.ToByteArray()), ("grpc-accept-encoding", accepted));
        var body = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(flag, body[0]);
        Assert.Equal(flag == 1, body.Length < 5000);
    }

    [Fact]
    public async Task An_unknown_encoding_is_unimplemented_and_the_known_are_named()
    {
        await using var server = await ProbeServer.StartAsync();
        using var response = await RawCall.SendAsync(server, "Echo", RawCall.Frame([1, 2], flag: 1), ("grpc-encoding", "br"));
        Assert.Equal("12", RawCall.Status(response));
        Assert.Equal("identity,gzip", Assert.Single(response.Headers.GetValues("grpc-accept-encoding")));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("identity")]
    public async Task A_compressed_message_without_an_encoding_is_an_error(string? encoding)
    {
        await using var server = await ProbeServer.StartAsync();
        using var response = await RawCall.SendAsync(
            server, "Echo", RawCall.Frame([1, 2], flag: 1), encoding is null ? [] : [("grpc-encoding", encoding)]);
        Assert.Equal("13", RawCall.Status(response));
    }

    [Fact]
    public async Task What_unpacks_to_more_than_the_limit_is_not_unpacked()
    {
        await using var server = await ProbeServer.StartAsync(options => options.MaxReceiveMessageSize = 1_000_000);
        var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true)) gzip.Write(new byte[200_000_000]);
        Assert.True(bomb.Length < 1_000_000);
        using var response = await RawCall.SendAsync(server, "Echo", RawCall.Frame(bomb.ToArray(), flag: 1), ("grpc-encoding", "gzip"));
        Assert.Equal("8", RawCall.Status(response));
    }

    [Fact]
    public async Task What_is_not_gzip_is_an_error()
    {
        await using var server = await ProbeServer.StartAsync();
        using var response = await RawCall.SendAsync(server, "Echo", RawCall.Frame([1, 2, 3], flag: 1), ("grpc-encoding", "gzip"));
        Assert.Equal("13", RawCall.Status(response));
    }
}
