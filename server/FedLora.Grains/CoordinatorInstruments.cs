using System.Diagnostics.Metrics;

namespace FedLora.Grains;

/// <summary>What a coordinator counts; meter <c>FedLora.Coordinator</c>.</summary>
public sealed class CoordinatorInstruments : IDisposable
{
    private readonly Meter _meter = new("FedLora.Coordinator");
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _received;
    private readonly Counter<long> _rounds;
    private readonly Histogram<double> _aggregation;
    private readonly Counter<long> _notMirrored;

    public CoordinatorInstruments()
    {
        _accepted = _meter.CreateCounter<long>("fedlora.updates.accepted", "{update}", "Updates acknowledged.");
        _refused = _meter.CreateCounter<long>("fedlora.updates.refused", "{update}", "Updates refused, by code.");
        _received = _meter.CreateCounter<long>("fedlora.updates.received", "By", "Bytes of updates received.");
        _rounds = _meter.CreateCounter<long>("fedlora.rounds", "{round}", "Rounds by outcome: committed, repeated, paused.");
        _notMirrored = _meter.CreateCounter<long>("fedlora.receipts.not_mirrored", "{receipt}", "Receipts that only the round's record has.");
        _aggregation = _meter.CreateHistogram<double>("fedlora.aggregation.duration", "ms", "Time of one aggregation.");
    }

    public void NotMirrored() => _notMirrored.Add(1);

    public void Accepted() => _accepted.Add(1);

    public void Refused(string code) => _refused.Add(1, new KeyValuePair<string, object?>("code", code));

    public void Received(long bytes) => _received.Add(bytes);

    public void Round(string federation, string outcome) =>
        _rounds.Add(1, new KeyValuePair<string, object?>("federation", federation), new KeyValuePair<string, object?>("outcome", outcome));

    public void Aggregated(double milliseconds) => _aggregation.Record(milliseconds);

    public void Dispose() => _meter.Dispose();
}
