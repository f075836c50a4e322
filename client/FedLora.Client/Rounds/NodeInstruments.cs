using System.Diagnostics.Metrics;
using FedLora.Client.Connection;

namespace FedLora.Client.Rounds;

/// <summary>What a node counts; docs/telemetry.md lists it. Nothing of it tells of the data: not its loss, not its size.</summary>
public sealed class NodeInstruments
{
    /// <summary>The meter's name.</summary>
    public const string Meter = "FedLora.Node";

    private readonly Counter<long> _tasks;
    private readonly Counter<long> _steps;
    private readonly Histogram<double> _training;

    public NodeInstruments(IMeterFactory meters, SocketTraffic traffic)
    {
        var meter = meters.Create(Meter);
        _tasks = meter.CreateCounter<long>("fedlora.node.tasks", "{task}", "Tasks by end: delivered, refused, not-wanted.");
        _steps = meter.CreateCounter<long>("fedlora.node.steps", "{step}", "Optimiser steps done.");
        _training = meter.CreateHistogram<double>("fedlora.node.training.duration", "s", "Time of one round's training.");
        meter.CreateObservableCounter("fedlora.node.sent", () => traffic.Sent, "By", "Bytes written to sockets.");
        meter.CreateObservableCounter("fedlora.node.received", () => traffic.Received, "By", "Bytes read from sockets.");
    }

    internal void Ended(RoundEnd end, string federation) => _tasks.Add(
        1,
        new KeyValuePair<string, object?>("federation", federation),
        new KeyValuePair<string, object?>("end",
            end switch { RoundEnd.Delivered => "delivered", RoundEnd.Refused => "refused", _ => "not-wanted" }));

    internal void Trained(long steps, TimeSpan took)
    {
        _steps.Add(steps);
        _training.Record(took.TotalSeconds);
    }
}
