using System.Diagnostics.Metrics;
using FedLora.Privacy.Ledger;

namespace FedLora.Grains;

/// <summary>What a coordinator counts; docs/telemetry.md lists it.</summary>
public sealed class CoordinatorInstruments
{
    /// <summary>The meter's name.</summary>
    public const string Meter = "FedLora.Coordinator";

    private readonly Counter<long> _accepted;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _received;
    private readonly Counter<long> _rounds;
    private readonly Histogram<double> _aggregation;
    private readonly Histogram<double> _duration;
    private readonly Gauge<double> _spent;
    private readonly Gauge<double> _left;

    public CoordinatorInstruments(IMeterFactory meters)
    {
        var meter = meters.Create(Meter);
        _accepted = meter.CreateCounter<long>("fedlora.updates.accepted", "{update}", "Updates acknowledged.");
        _refused = meter.CreateCounter<long>("fedlora.updates.refused", "{update}", "Updates refused, by code.");
        _received = meter.CreateCounter<long>("fedlora.updates.received", "By", "Bytes of updates received.");
        _rounds = meter.CreateCounter<long>("fedlora.rounds", "{round}", "Rounds by outcome: committed, repeated, paused.");
        _aggregation = meter.CreateHistogram<double>("fedlora.aggregation.duration", "ms", "Time of one aggregation.");
        _duration = meter.CreateHistogram<double>("fedlora.rounds.duration", "s", "From a round's opening to its commit.");
        _spent = meter.CreateGauge<double>("fedlora.privacy.spent", "{epsilon}", "What a node's data set has spent, by its last receipt.");
        _left = meter.CreateGauge<double>("fedlora.privacy.left", "{epsilon}", "What is left of its limit.");
    }

    public void Accepted() => _accepted.Add(1);

    public void Refused(string code) => _refused.Add(1, new KeyValuePair<string, object?>("code", code));

    public void Received(long bytes) => _received.Add(bytes);

    public void Round(string federation, string outcome) =>
        _rounds.Add(1, new KeyValuePair<string, object?>("federation", federation), new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>A round from its opening to its commit.</summary>
    public void Lasted(string federation, TimeSpan time) =>
        _duration.Record(time.TotalSeconds, new KeyValuePair<string, object?>("federation", federation));

    /// <summary>What a receipt says of a node's budget.</summary>
    public void Spent(string node, LedgerReceipt receipt)
    {
        KeyValuePair<string, object?>[] tags = [new("node", node), new("data_set", receipt.DataSet), new("delta", receipt.Delta)];
        _spent.Record(receipt.EpsilonSpent, tags);
        if (receipt.EpsilonLimit > 0)
            _left.Record(receipt.EpsilonLimit - receipt.EpsilonSpent, tags);
    }

    public void Aggregated(double milliseconds) => _aggregation.Record(milliseconds);
}
