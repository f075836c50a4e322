namespace FedLora.Client.Tests;

/// <summary>A clock whose first waits are over at once and are noted; the next one lasts for ever.</summary>
internal sealed class RecordedTime(int waits) : TimeProvider
{
    private readonly List<TimeSpan> noted = [];
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The waits, once all have come.</summary>
    internal async Task<IReadOnlyList<TimeSpan>> WaitsAsync()
    {
        await done.Task.WaitAsync(TimeSpan.FromMinutes(2), System);
        return noted;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (noted)
        {
            noted.Add(dueTime);
            if (noted.Count < waits)
                return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
        done.TrySetResult();
        return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
    }
}
