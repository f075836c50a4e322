namespace FedLora.Protocol.Transfer;

/// <summary>
/// Ends a transfer that stands still, never one that is merely slow: cancels <see cref="Token"/> when <see cref="Moved"/> has not been
/// called for the limit.
/// </summary>
public sealed class IdleLimit : IDisposable
{
    private readonly TimeSpan limit;
    private readonly CancellationToken outer;
    private readonly CancellationTokenSource idle;
    private readonly CancellationTokenSource linked;

    /// <summary>Starts counting.</summary>
    /// <param name="limit">How long nothing may happen.</param>
    /// <param name="time">Clock.</param>
    /// <param name="outer">The caller's own cancellation.</param>
    public IdleLimit(TimeSpan limit, TimeProvider time, CancellationToken outer)
    {
        this.limit = limit;
        this.outer = outer;
        idle = new CancellationTokenSource(limit, time);
        linked = CancellationTokenSource.CreateLinkedTokenSource(outer, idle.Token);
    }

    /// <summary>Cancelled by the caller or by standing still.</summary>
    public CancellationToken Token => linked.Token;

    /// <summary>Something moved: counting starts again.</summary>
    public void Moved()
    {
        if (!idle.IsCancellationRequested)
            idle.CancelAfter(limit);
    }

    /// <summary>Whether it was the standing still, not the caller, that ended the transfer.</summary>
    public bool Expired => idle.IsCancellationRequested && !outer.IsCancellationRequested;

    /// <summary>The error to raise when <see cref="Expired"/>.</summary>
    public FedLoraException Error(string what) => new("transfer-idle", $"{what}: nothing moved for {limit.TotalSeconds:0} s",
        "the connection is stuck; the transfer goes on from where it stopped when it is tried again");

    /// <inheritdoc/>
    public void Dispose()
    {
        linked.Dispose();
        idle.Dispose();
    }
}
