using FedLora.Protocol.Transfer;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Protocol.Tests;

public class IdleLimitTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_slow_transfer_goes_on_and_a_stuck_one_ends_saying_so()
    {
        using var limit = new IdleLimit(TimeSpan.FromSeconds(10), _time, CancellationToken.None);
        for (var i = 0; i < 20; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(9));
            Assert.False(limit.Token.IsCancellationRequested);
            limit.Moved();
        }
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(limit.Token.IsCancellationRequested);
        var error = await Assert.ThrowsAsync<FedLoraException>(
            () => limit.RunAsync(() => "update, 7 bytes", () => throw new OperationCanceledException(limit.Token)));
        Assert.Equal("transfer-idle", error.Code);
        Assert.Contains("update, 7 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_callers_own_cancellation_is_no_expiry()
    {
        using var caller = new CancellationTokenSource();
        using var limit = new IdleLimit(TimeSpan.FromSeconds(10), _time, caller.Token);
        await caller.CancelAsync();
        Assert.True(limit.Token.IsCancellationRequested);
        await Assert.ThrowsAsync<OperationCanceledException>(
            () => limit.RunAsync(() => "update", () => throw new OperationCanceledException(limit.Token)));
    }
}
