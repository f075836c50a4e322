using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>A grain timer. A tick is a call to the grain; the next one is counted from the end of the callback, so ticks never pile up.</summary>
internal sealed class GrainTimer : IGrainTimer
{
    private readonly Activation _activation;
    private readonly Func<CancellationToken, Task> _callback;
    private readonly GrainTimerCreationOptions _options;
    private readonly CancellationTokenSource _disposed = new();
    private readonly ITimer _timer;
    private TimeSpan _dueTime;
    private TimeSpan _period;
    private volatile bool _firing;
    private bool _changed;

    public GrainTimer(Activation activation, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options, TimeProvider time)
    {
        _activation = activation;
        _callback = callback;
        _options = options;
        using (new NoFlow())
            _timer = time.CreateTimer(static timer => ((GrainTimer)timer!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Change(options.DueTime, options.Period);
    }

    public void Change(TimeSpan dueTime, TimeSpan period)
    {
        Check(dueTime, nameof(dueTime));
        Check(period, nameof(period));
        _changed = true;
        _dueTime = dueTime;
        _period = period;
        if (!_firing)
            _timer.Change(dueTime, Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        _disposed.Cancel();
        _timer.Dispose();
        _activation.Forget(this);
    }

    private static void Check(TimeSpan time, string name)
    {
        var milliseconds = (long)time.TotalMilliseconds;
        ArgumentOutOfRangeException.ThrowIfLessThan(milliseconds, -1, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(milliseconds, 0xfffffffe, name);
    }

    private void Fire()
    {
        _firing = true;
        _activation.Receive(new Tick(this));
    }

    private async Task<bool> RunAsync()
    {
        _changed = false;
        try
        {
            await _callback(_disposed.Token);
            return false;
        }
#pragma warning disable CA1031 // A failing tick is logged; the timer goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (!_disposed.IsCancellationRequested)
                _activation.Log.TimerFailed(exception, _activation.GrainId);
            return exception is InconsistentStateException;
        }
        finally
        {
            _firing = false;
            if (!_disposed.IsCancellationRequested)
                _timer.Change(_changed ? _dueTime : _period, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class Tick(GrainTimer timer) : Call
    {
        public override bool Interleaves => timer._options.Interleave;

        public override bool KeepsAlive => timer._options.KeepAlive;

        public override string Description => $"timer of {timer._activation.GrainId}";

        public override bool IsAbandoned => timer._disposed.IsCancellationRequested;

        public override bool MovesOn => false;

        public override Task<bool> RunAsync(object grain) => timer.RunAsync();

        public override void Reject(Exception exception)
        {
        }
    }
}
