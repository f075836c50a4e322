namespace FedLora.Client.Tests;

/// <summary>A clock whose first waits are over at once and are noted; the next one lasts for ever.</summary>
internal sealed class RecordedTime(int waits) : TimeProvider
{
    private readonly List<TimeSpan> _noted = [];
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The waits, once all have come.</summary>
    internal async Task<IReadOnlyList<TimeSpan>> WaitsAsync()
    {
        await _done.Task.WaitAsync(TimeSpan.FromMinutes(2), System);
        return _noted;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_noted)
        {
            _noted.Add(dueTime);
            if (_noted.Count < waits)
                return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
        _done.TrySetResult();
        return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
    }
}
