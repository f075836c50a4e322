using System.Collections.Concurrent;

namespace FedLora.Grains.Federations;

/// <summary>
/// Has federations record updates whose bytes are here. While a federation writes, others come, and are recorded by its next write: what a
/// disk takes for one is shared by as many as send at once.
/// </summary>
public sealed class UpdateRecorder(IGrainFactory grains) : IDisposable
{
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
            await SendAsync(header.Federation, line.Waiting);
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
    private async Task SendAsync(string federation, ConcurrentQueue<Arrival> waiting)
    {
        var arrivals = new List<Arrival>();
        while (waiting.TryDequeue(out var arrival))
            arrivals.Add(arrival);
        if (arrivals.Count == 0)
            return;
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
    }

    private sealed class Line
    {
        public ConcurrentQueue<Arrival> Waiting { get; } = new();

        public SemaphoreSlim Turn { get; } = new(1, 1);
    }

    /// <param name="Header">What is to be recorded.</param>
    private sealed record Arrival(UpdateHeader Header)
    {
        /// <summary>Null where it is; why not otherwise.</summary>
        public TaskCompletionSource<Refusal?> Recorded { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
