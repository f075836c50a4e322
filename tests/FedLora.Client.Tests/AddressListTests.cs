using System.Net;
using System.Net.Sockets;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Client.Tests;

/// <summary>A coordinator's addresses, of which some are down in different ways.</summary>
public sealed class AddressListTests
{
    private static readonly DnsEndPoint[] Two = [new("first.example", 1), new("second.example", 2)];
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _tried = [];

    /// <summary>A host that drops packets took the caller's whole time.</summary>
    [Fact]
    public async Task One_that_says_nothing_costs_a_few_seconds_and_the_next_is_tried()
    {
        var list = List(to => to.Port == 1 ? null : new MemoryStream([1]));
        var connecting = list.ConnectAsync(default).AsTask();
        Assert.Equal(["first.example"], _tried);
        _time.Advance(AddressList.Limit - TimeSpan.FromMilliseconds(1));
        Assert.False(connecting.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await connecting.WaitAsync(Never, TestContext.Current.CancellationToken);
        Assert.Equal(["first.example", "second.example"], _tried);
        // From then on the one that answered comes first.
        Assert.Equal(1, await (await connecting).ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        _ = await list.ConnectAsync(default);
        Assert.Equal("second.example", _tried[^1]);
        Assert.Equal(3, _tried.Count);
    }

    [Fact]
    public async Task Of_all_that_do_not_answer_it_is_said_why()
    {
        var list = List(to => to.Port == 1 ? null : throw new SocketException((int)SocketError.ConnectionRefused));
        var connecting = list.ConnectAsync(default).AsTask();
        _time.Advance(AddressList.Limit);
        var error = await Assert.ThrowsAsync<NoAddressException>(
            () => connecting.WaitAsync(Never, TestContext.Current.CancellationToken));
        Assert.Equal("first.example:1 did not answer within 5 s; second.example:2 refuses the connection", error.Message);
        Assert.Equal(AddressList.Limit * 2, list.Longest);
    }

    /// <summary>The system takes connections for a program that has stopped.</summary>
    [Fact]
    public async Task One_that_takes_a_connection_and_then_says_nothing_is_passed_over()
    {
        var list = List(to => to.Port == 1 ? new MemoryStream() : new MemoryStream([1]));
        var first = await list.ConnectAsync(default);
        Assert.Equal(0, await first.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        _ = await list.ConnectAsync(default);
        Assert.Equal(["first.example", "second.example"], _tried);
    }

    [Fact]
    public async Task Whoever_gives_up_is_not_told_of_addresses()
    {
        using var end = new CancellationTokenSource();
        var connecting = List(_ => null).ConnectAsync(end.Token).AsTask();
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        Assert.Equal(["first.example"], _tried);
    }

    [Fact]
    public async Task What_a_user_reads_names_each_address()
    {
        const string Url = "http://127.0.0.1:1,http://localhost:1";
        using var connection = new CoordinatorConnection(Url);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await connection.Admin.ListNodesAsync(new ListNodesRequest(),
            connection.Options(TestContext.Current.CancellationToken)));
        Assert.Equal(("coordinator-unreachable",
            $"no coordinator answers at {Url}: 127.0.0.1:1 refuses the connection; localhost:1 refuses the connection"),
            (connection.Explain(error).Code, connection.Explain(error).Message));
    }

    private static readonly TimeSpan Never = TimeSpan.FromMinutes(2);

    // null: neither yes nor no.
    private AddressList List(Func<DnsEndPoint, Stream?> answer) => new(Two, async (to, cancellationToken) =>
    {
        _tried.Add(to.Host);
        if (answer(to) is { } stream)
            return new CountingStream(stream, new SocketTraffic());
        await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken);
        throw new InvalidOperationException("for ever is over");
    }, _time);
}
