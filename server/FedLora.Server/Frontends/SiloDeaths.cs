namespace FedLora.Server.Frontends;

/// <summary>Tells the calls that are under way when a silo may have died: one is no longer a member, or its connection has ended.</summary>
internal sealed class SiloDeaths(TimeProvider time) : IClusterConnectionStatusObserver
{
    /// <summary>
    /// How much longer is waited for a call that must not be made again: where its silo lives it may still be answered.
    /// </summary>
    internal static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly Lock _turn = new();
    private (CancellationTokenSource At, CancellationTokenSource After) _next = New(time);

    /// <summary>Cancelled at the next death.</summary>
    internal CancellationToken Next
    {
        get
        {
            lock (_turn)
                return _next.At.Token;
        }
    }

    /// <summary>Cancelled <see cref="Grace"/> after it.</summary>
    internal CancellationToken NextAndMore
    {
        get
        {
            lock (_turn)
                return _next.After.Token;
        }
    }

    /// <summary>A silo may have died.</summary>
    internal void Tell()
    {
        CancellationTokenSource at, after;
        lock (_turn)
            ((at, after), _next) = (_next, New(time));
        after.CancelAfter(Grace);
        // Thousands of calls may wait on it.
        _ = at.CancelAsync();
    }

    void IClusterConnectionStatusObserver.NotifyGatewayCountChanged(int currentNumberOfGateways, int previousNumberOfGateways,
        bool connectionRecovered)
    {
        if (currentNumberOfGateways < previousNumberOfGateways)
            Tell();
    }

    void IClusterConnectionStatusObserver.NotifyClusterConnectionLost()
    {
        // The count has told of it.
    }

    private static (CancellationTokenSource At, CancellationTokenSource After) New(TimeProvider time) =>
        (new(), new(Timeout.InfiniteTimeSpan, time));
}
