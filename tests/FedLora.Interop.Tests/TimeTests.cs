using Fedlora.Probe.V1;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Interop.Tests;

/// <summary>Deadlines and cancellation, from both sides.</summary>
public sealed class TimeTests
{
    [Fact]
    public async Task A_deadline_ends_the_call_at_the_client_and_cancels_the_handler()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ProbeServer.StartAsync();
        using var call = server.Client(options => options.TimeProvider = time)
            .Wait(new Packet(), deadline: time.GetUtcNow().UtcDateTime.AddHours(1));
        Assert.True(await call.ResponseStream.MoveNext());
        var next = call.ResponseStream.MoveNext();
        time.Advance(TimeSpan.FromMinutes(59));
        Assert.False(next.IsCompleted);
        time.Advance(TimeSpan.FromMinutes(2));
        var thrown = await Assert.ThrowsAsync<RpcException>(() => next.WaitAsync(Within.Limit));
        Assert.Equal(StatusCode.DeadlineExceeded, thrown.StatusCode);
        Assert.Equal(StatusCode.DeadlineExceeded, call.GetStatus().StatusCode);
        Assert.Null(await server.Events.NextWaitEndedAsync());
    }

    [Fact]
    public async Task The_server_ends_a_call_at_its_deadline_by_itself()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await ProbeServer.StartAsync(options => options.TimeProvider = time);
        var started = new TaskCompletionSource();
        server.Events.OnCall = context =>
        {
            started.SetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
        };
        var answer = RawCall.SendAsync(server, "Echo", RawCall.Frame([]), ("grpc-timeout", "5S"));
        await started.Task.WaitAsync(Within.Limit);
        time.Advance(TimeSpan.FromSeconds(6));
        using var response = await answer.WaitAsync(Within.Limit);
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
    public async Task The_deadline_reaches_the_handler_and_passes_on_to_its_own_calls()
    {
        await using var inner = await ProbeServer.StartAsync();
        await using var outer = await ProbeServer.StartAsync();
        DateTime? atInner = null;
        inner.Events.OnCall = context =>
        {
            atInner = context.Deadline;
            return Task.CompletedTask;
        };
        outer.Events.OnCall = async context => await inner.Client().EchoAsync(
            new Packet(), deadline: context.Deadline, cancellationToken: context.CancellationToken);
        var deadline = DateTime.UtcNow.AddMinutes(10);
        await outer.Client().EchoAsync(new Packet(), deadline: deadline);
        Assert.InRange(atInner!.Value, deadline.AddSeconds(-1), deadline.AddMinutes(1));
    }

    [Fact]
    public async Task Without_a_deadline_the_handler_sees_none()
    {
        await using var server = await ProbeServer.StartAsync();
        DateTime? seen = null;
        server.Events.OnCall = context =>
        {
            seen = context.Deadline;
            return Task.CompletedTask;
        };
        await server.Client().EchoAsync(new Packet());
        Assert.Equal(DateTime.MaxValue, seen);
    }

    [Fact]
    public void A_deadline_in_local_time_is_refused()
    {
        using var channel = global::Grpc.Net.Client.GrpcChannel.ForAddress("http://127.0.0.1:1");
        Assert.Throws<InvalidOperationException>(() => new Probe.ProbeClient(channel).EchoAsync(new Packet(), deadline: DateTime.Now));
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
    public async Task Disposing_a_channel_ends_its_calls()
    {
        await using var server = await ProbeServer.StartAsync();
        var channel = server.Channel();
        using var call = new Probe.ProbeClient(channel).Wait(new Packet());
        Assert.True(await call.ResponseStream.MoveNext());
        channel.Dispose();
        Assert.Null(await server.Events.NextWaitEndedAsync());
        await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Throws<ObjectDisposedException>(channel.CreateCallInvoker);
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

    [Fact]
    public async Task A_channel_may_ask_for_the_exceptions_of_cancellation()
    {
        await using var server = await ProbeServer.StartAsync();
        using var cancel = new CancellationTokenSource();
        using var call = server.Client(options => options.ThrowOperationCanceledOnCancellation = true)
            .Wait(new Packet(), cancellationToken: cancel.Token);
        Assert.True(await call.ResponseStream.MoveNext());
        await cancel.CancelAsync();
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.ResponseStream.MoveNext());
        Assert.Equal(cancel.Token, thrown.CancellationToken);
    }

    [Fact]
    public async Task A_call_that_is_over_takes_no_more_requests()
    {
        await using var server = await ProbeServer.StartAsync();
        server.Events.OnCall = _ => throw new RpcException(new Status(StatusCode.PermissionDenied, "no"));
        using var call = server.Client().Collect();
        var thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.PermissionDenied, thrown.StatusCode);
        var write = await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new Packet()));
        Assert.Equal(StatusCode.PermissionDenied, write.StatusCode);
    }
}
