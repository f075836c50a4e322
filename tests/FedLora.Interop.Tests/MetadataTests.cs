using Fedlora.Probe.V1;
using Grpc.Core;

namespace FedLora.Interop.Tests;

/// <summary>Headers and trailers, text and bytes, both ways.</summary>
public sealed class MetadataTests
{
    private static readonly byte[] AnyBytes = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];

    [Fact]
    public async Task Request_headers_reach_the_handler_in_order_with_repeated_keys()
    {
        await using var server = await ProbeServer.StartAsync();
        Metadata? seen = null;
        server.Events.OnCall = context =>
        {
            seen = context.RequestHeaders;
            return Task.CompletedTask;
        };
        await server.Client().EchoAsync(new Packet(), new Metadata
        {
            { "Node", "one" }, { "node", "two" }, { "trace-bin", AnyBytes }, { "trace-bin", [] }, { "trace-bin", [1] },
        });

        // HTTP may join the values of one key by commas, and .NET's client does.
        Assert.Equal("one, two", string.Join(", ", seen!.GetAll("node").Select(entry => entry.Value)));
        Assert.Equal([AnyBytes, [], [1]], seen.GetAll("trace-bin").Select(entry => entry.ValueBytes));
        Assert.DoesNotContain(seen, entry => entry.Key.StartsWith(':') || entry.Key is "content-type" or "grpc-accept-encoding");
    }

    [Fact]
    public async Task Response_headers_come_before_the_first_message_and_trailers_after_the_last()
    {
        await using var server = await ProbeServer.StartAsync();
        var mayGoOn = new TaskCompletionSource();
        server.Events.OnCall = async context =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "early", "yes" }, { "early-bin", AnyBytes } });
            await mayGoOn.Task;
            context.ResponseTrailers.Add("late", "too");
            context.ResponseTrailers.Add("late-bin", AnyBytes);
        };
        using var call = server.Client().EchoAsync(new Packet());
        var headers = await call.ResponseHeadersAsync.WaitAsync(Within.Limit);
        Assert.Equal("yes", headers.GetValue("early"));
        Assert.Equal(AnyBytes, headers.GetValueBytes("early-bin"));
        mayGoOn.SetResult();
        await call;
        Assert.Equal("too", call.GetTrailers().GetValue("late"));
        Assert.Equal(AnyBytes, call.GetTrailers().GetValueBytes("late-bin"));
    }

    [Fact]
    public async Task Response_headers_are_sent_once()
    {
        await using var server = await ProbeServer.StartAsync(options => options.EnableDetailedErrors = true);
        server.Events.OnCall = async context =>
        {
            await context.WriteResponseHeadersAsync([]);
            await context.WriteResponseHeadersAsync([]);
        };
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().EchoAsync(new Packet()));
        Assert.Contains("only be sent once", thrown.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_brings_the_trailers_of_exception_and_context()
    {
        await using var server = await ProbeServer.StartAsync();
        server.Events.OnCall = context =>
        {
            context.ResponseTrailers.Add("from", "context");
            throw new RpcException(new Status(StatusCode.NotFound, "gone"), new Metadata { { "from", "exception" }, { "code-bin", [9] } });
        };
        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().EchoAsync(new Packet()));
        Assert.Equal(["context", "exception"], thrown.Trailers.GetAll("from").Select(entry => entry.Value));
        Assert.Equal([9], thrown.Trailers.GetValueBytes("code-bin"));
    }

    [Fact]
    public async Task Unpadded_base64_and_values_joined_by_a_proxy_are_read()
    {
        await using var server = await ProbeServer.StartAsync();
        Metadata? seen = null;
        server.Events.OnCall = context =>
        {
            seen = context.RequestHeaders;
            return Task.CompletedTask;
        };
        using var response = await RawCall.SendAsync(server, "Echo", RawCall.Frame([]), ("x-bin", "AQ,AQI"));
        Assert.Equal("0", RawCall.Status(response));
        Assert.Equal([[1], [1, 2]], seen!.GetAll("x-bin").Select(entry => entry.ValueBytes));
    }

    [Fact]
    public void Keys_are_checked_and_values_are_of_the_kind_that_the_key_says()
    {
        Assert.Throws<ArgumentException>(() => new Metadata { { "no spaces", "x" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "x-bin", "text" } });
        Assert.Throws<ArgumentException>(() => new Metadata { { "x", [1] } });
        Assert.Throws<InvalidOperationException>(() => new Metadata.Entry("x-bin", [1]).Value);
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("x", "y"));
        Assert.Equal("key", new Metadata.Entry("KEY", "v").Key);
    }
}
