namespace FedLora.Simulations.Running;

/// <summary>What happens when: in order of time, and at equal times in the order of noting.</summary>
internal sealed class Agenda
{
    private readonly PriorityQueue<Entry, (double Seconds, long Order)> _entries = new();
    private long _order;

    /// <summary>When the next thing happens; infinity where there is none.</summary>
    public double Next => _entries.TryPeek(out _, out var at) ? at.Seconds : double.PositiveInfinity;

    public void Add(double seconds, Entry entry) => _entries.Enqueue(entry, (seconds, _order++));

    public Entry Take() => _entries.Dequeue();
}

/// <summary>Something that happens.</summary>
internal abstract record Entry
{
    private Entry()
    {
    }

    /// <summary>A node begins to train.</summary>
    public sealed record Began(Work Work) : Entry;

    /// <summary>A node's update has come in, or the node gives up.</summary>
    public sealed record Ended(Work Work) : Entry;

    /// <summary>The next adapter is computed.</summary>
    public sealed record Aggregated(int Round) : Entry;

    /// <summary>The coordinator is back after an outage.</summary>
    public sealed record Back : Entry;
}
