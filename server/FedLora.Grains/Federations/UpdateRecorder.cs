using System.Collections.Concurrent;

namespace FedLora.Grains.Federations;

/// <summary>
/// Has federations record updates whose bytes are here. While a federation writes, others come, and are recorded by its next write: what a
/// disk takes for one is shared by as many as send at once. A row names all of a round's updates, so that many writes of few would take
/// more of the processor than the updates do: between two writes there is a pause of three times as long as the last one took.
/// </summary>
public sealed class UpdateRecorder(IGrainFactory grains, TimeProvider time) : IDisposable
{
    private const int PausesForWrite = 3;

    /// <summary>An acknowledgement waits no longer for others.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<string, Line> _lines = new(StringComparer.Ordinal);

    /// <summary>Ends when the update is recorded and would survive a crash.</summary>
    /// <exception cref="RefusedException">It is not wanted after all.</exception>
    public async Task RecordAsync(UpdateHeader header)
    {
        var line = _lines.GetOrAdd(header.Federation, _ => new Line());
        var arrival = new Arrival(header);
        line.Waiting.Enqueue(arrival);
        await line.Turn.WaitAsync(CancellationToken.None);
        try
        {
            await SendAsync(header.Federation, line);
        }
        finally
        {
            line.Turn.Release();
        }

        if (await arrival.Recorded.Task is { } refusal)
            throw RefusedException.Of(refusal);
    }

    public void Dispose()
    {
        foreach (var line in _lines.Values)
            line.Turn.Dispose();
    }

    /// <summary>All that wait; none where the one before has taken them along.</summary>
    private async Task SendAsync(string federation, Line line)
    {
        if (line.Waiting.IsEmpty)
            return;
        if (line.Pause - time.GetElapsedTime(line.Written) is var pause && pause > TimeSpan.Zero)
            await Task.Delay(pause, time, CancellationToken.None);
        var arrivals = new List<Arrival>();
        while (line.Waiting.TryDequeue(out var arrival))
            arrivals.Add(arrival);
        var begun = time.GetTimestamp();
        try
        {
            var refusals = await grains.GetGrain<IFederationGrain>(federation)
                .CommitUpdatesAsync([.. arrivals.Select(arrival => arrival.Header)], CancellationToken.None);
            foreach (var (arrival, refusal) in arrivals.Zip(refusals))
                arrival.Recorded.SetResult(refusal);
        }
        catch (Exception error)
        {
            foreach (var arrival in arrivals)
                arrival.Recorded.TrySetException(error);
        }
        finally
        {
            line.Written = time.GetTimestamp();
            line.Pause = TimeSpan.FromTicks(Math.Min(PausesForWrite * time.GetElapsedTime(begun, line.Written).Ticks, LongestPause.Ticks));
        }
    }

    private sealed class Line
    {
        public ConcurrentQueue<Arrival> Waiting { get; } = new();

        public SemaphoreSlim Turn { get; } = new(1, 1);

        /// <summary>When the last write ended, as <see cref="TimeProvider.GetTimestamp"/> has it.</summary>
        public long Written { get; set; }

        /// <summary>From then to the next one.</summary>
        public TimeSpan Pause { get; set; }
    }

    /// <param name="Header">What is to be recorded.</param>
    private sealed record Arrival(UpdateHeader Header)
    {
        /// <summary>Null where it is; why not otherwise.</summary>
        public TaskCompletionSource<Refusal?> Recorded { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
