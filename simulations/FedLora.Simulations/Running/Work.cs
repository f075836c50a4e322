using FedLora.Federations;
using FedLora.Privacy.Ledger;
using FedLora.Simulations.Trainers;

namespace FedLora.Simulations.Running;

/// <summary>A node's task in a round, from its beginning to whatever came of it.</summary>
internal sealed class Work(NodeTask task, int round, NodeTimes times, long bytesDown)
{
    public NodeTask Task => task;

    public int Round => round;

    public NodeTimes Times => times;

    public long BytesDown => bytesDown;

    /// <summary>Its update, or why there is none; null until it is trained.</summary>
    public NodeResult? Result { get; set; }

    /// <summary>Why the coordinator does not take its update; null where it does, and until it is trained.</summary>
    public Refusal? Refusal { get; set; }

    /// <summary>What its round was charged as, from the beginning of its training on; null without privacy.</summary>
    public LedgerReceipt? Receipt { get; set; }

    public WorkEnd End { get; set; }

    /// <summary>Why it failed; empty where it did not.</summary>
    public string Why { get; set; } = "";
}

/// <summary>What came of a task.</summary>
public enum WorkEnd
{
    /// <summary>Nothing was heard by the end of the round: too late, or vanished.</summary>
    Missing,

    Delivered,

    /// <summary>It came when the round wanted no more.</summary>
    NotWanted,

    /// <summary>The node gave up, or could not train.</summary>
    Failed,

    /// <summary>The coordinator took its bytes for what cannot be.</summary>
    Refused,
}
