namespace FedLora.Server.Frontends;

/// <summary>Tells the calls that are under way when a silo may have died: one is no longer a member, or its connection has ended.</summary>
internal sealed class SiloDeaths : IClusterConnectionStatusObserver, IDisposable
{
    /// <summary>
    /// How much longer is waited for a call that must not be made again: where its silo lives it may still be answered.
    /// </summary>
    internal static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The silos look at the table of members at least every two seconds; until they do they hand calls on to the dead one.
    /// </summary>
    internal static readonly TimeSpan KnownEverywhere = TimeSpan.FromSeconds(3);

    private readonly TimeProvider _time;
    private readonly Lock _turn = new();
    private readonly ITimer _again;
    private (CancellationTokenSource At, CancellationTokenSource After) _next;

    public SiloDeaths(TimeProvider time)
    {
        (_time, _next) = (time, New(time));
        _again = time.CreateTimer(_ => TellLate(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled at the next death, and once more when it is <see cref="KnownEverywhere"/>.</summary>
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
            ((at, after), _next) = (_next, New(_time));
        after.CancelAfter(Grace);
        // Thousands of calls may wait on it.
        _ = at.CancelAsync();
        _again.Change(KnownEverywhere, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _again.Dispose();

    // To those that were made since, of which some may have gone to the dead one.
    private void TellLate()
    {
        CancellationTokenSource at;
        lock (_turn)
            (at, _next) = (_next.At, (new(), _next.After));
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
