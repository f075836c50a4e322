using FedLora.Protocol.Transfer;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Protocol.Tests;

public class IdleLimitTests
{
    private readonly FakeTimeProvider time = new();

    [Fact]
    public void A_slow_transfer_goes_on_and_a_stuck_one_ends()
    {
        using var limit = new IdleLimit(TimeSpan.FromSeconds(10), time, CancellationToken.None);
        for (var i = 0; i < 20; i++)
        {
            time.Advance(TimeSpan.FromSeconds(9));
            Assert.False(limit.Token.IsCancellationRequested);
            limit.Moved();
        }
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(limit.Token.IsCancellationRequested);
        Assert.True(limit.Expired);
    }

    [Fact]
    public void The_callers_own_cancellation_is_no_expiry()
    {
        using var caller = new CancellationTokenSource();
        using var limit = new IdleLimit(TimeSpan.FromSeconds(10), time, caller.Token);
        caller.Cancel();
        Assert.True(limit.Token.IsCancellationRequested);
        Assert.False(limit.Expired);
    }
}
