using Fedlora.Probe.V1;
using Grpc.Core;

namespace FedLora.Interop.Tests;

/// <summary>Deadlines and cancellation, from both sides.</summary>
public sealed class TimeTests
{
    [Fact]
    public async Task A_deadline_ends_the_call_at_the_client_and_cancels_the_handler()
    {
        await using var server = await ProbeServer.StartAsync();
        // Long enough to reach the handler on a busy machine.
        using var call = server.Client().Wait(new Packet(), deadline: DateTime.UtcNow.AddSeconds(3));
        Assert.True(await call.ResponseStream.MoveNext());
        var thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Within.Limit));
        Assert.Equal(StatusCode.DeadlineExceeded, thrown.StatusCode);
        Assert.Null(await server.Events.NextWaitEndedAsync());
    }

    [Fact]
    public async Task The_server_ends_a_call_at_its_deadline_by_itself()
    {
        await using var server = await ProbeServer.StartAsync();
        server.Events.OnCall = context => Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
        using var response = await RawCall.SendAsync(server, "Echo", RawCall.Frame([]), ("grpc-timeout", "1S")).WaitAsync(Within.Limit);
        Assert.Equal("4", RawCall.Status(response));
    }

    [Fact]
    public async Task A_deadline_that_has_passed_ends_the_call_before_it_is_sent()
    {
        await using var server = await ProbeServer.StartAsync();
        var served = false;
        server.Events.OnCall = _ =>
        {
            served = true;
            return Task.CompletedTask;
        };
        var thrown = await Assert.ThrowsAsync<RpcException>(async () =>
            await server.Client().EchoAsync(new Packet(), deadline: DateTime.UtcNow.AddSeconds(-1)));
        Assert.Equal(StatusCode.DeadlineExceeded, thrown.StatusCode);
        Assert.False(served);
    }

    [Fact]
    public async Task Cancelling_a_token_ends_the_call_on_both_sides()
    {
        await using var server = await ProbeServer.StartAsync();
        using var cancel = new CancellationTokenSource();
        using var call = server.Client().Wait(new Packet(), cancellationToken: cancel.Token);
        Assert.True(await call.ResponseStream.MoveNext());
        await cancel.CancelAsync();
        var thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.Cancelled, thrown.StatusCode);
        Assert.Null(await server.Events.NextWaitEndedAsync());
    }

    [Fact]
    public async Task Disposing_a_call_cancels_it_on_the_server()
    {
        await using var server = await ProbeServer.StartAsync();
        using (var call = server.Client().Wait(new Packet())) Assert.True(await call.ResponseStream.MoveNext());
        Assert.Null(await server.Events.NextWaitEndedAsync());
    }

    [Fact]
    public async Task A_cancelled_write_in_mid_stream_ends_the_call()
    {
        await using var server = await ProbeServer.StartAsync();
        using var cancel = new CancellationTokenSource();
        using var call = server.Client().Collect(cancellationToken: cancel.Token);
        await call.RequestStream.WriteAsync(Packets.Of(1));
        await cancel.CancelAsync();
        var write = await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(Packets.Of(2)));
        Assert.Equal(StatusCode.Cancelled, write.StatusCode);
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync)).StatusCode);
    }
}
