namespace FedLora.Protocol.Transfer;

/// <summary>
/// Ends a transfer that stands still, never one that is merely slow: cancels <see cref="Token"/> when <see cref="Moved"/> has not been
/// called for the limit.
/// </summary>
public sealed class IdleLimit : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationToken _outer;
    private readonly CancellationTokenSource _idle;
    private readonly CancellationTokenSource _linked;

    /// <summary>Starts counting.</summary>
    /// <param name="limit">How long nothing may happen.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancellationToken">The caller's own cancellation.</param>
    public IdleLimit(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        this._limit = limit;
        this._outer = cancellationToken;
        _idle = new CancellationTokenSource(limit, time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _idle.Token);
    }

    /// <summary>Cancelled by the caller or by standing still.</summary>
    public CancellationToken Token => _linked.Token;

    /// <summary>Cancelled by standing still alone.</summary>
    public CancellationToken Idle => _idle.Token;

    /// <summary>Something moved: counting starts again.</summary>
    public void Moved()
    {
        if (!_idle.IsCancellationRequested)
            _idle.CancelAfter(_limit);
    }

    /// <summary>
    /// Runs a transfer under the limit. Where it was the standing still that ended it, not the caller, that is what it says, whatever the
    /// transport makes of a cancelled call.
    /// </summary>
    /// <param name="what">Names the transfer, and how far it is.</param>
    /// <param name="transfer">Uses <see cref="Token"/>, and says when something has <see cref="Moved"/>.</param>
    /// <exception cref="FedLoraException"><c>transfer-idle</c>.</exception>
    public async Task RunAsync(Func<string> what, Func<Task> transfer)
    {
        try
        {
            await transfer();
        }
        catch (Exception error) when (error is not FedLoraException && _idle.IsCancellationRequested && !_outer.IsCancellationRequested)
        {
            throw new FedLoraException("transfer-idle", $"{what()}: nothing moved for {_limit.TotalSeconds:0} s",
                "the connection is stuck; the transfer goes on from where it stopped when it is tried again", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _linked.Dispose();
        _idle.Dispose();
    }
}
