using FedLora.Privacy.Ledger;

namespace FedLora.Grains.Nodes;

/// <summary>Bytes on the node's sockets to the coordinator since its program started.</summary>
[GenerateSerializer, Immutable]
public sealed record Traffic
{
    [Id(0)] public required long Sent { get; init; }

    [Id(1)] public required long Received { get; init; }
}

/// <summary>A connection over which a node calls.</summary>
/// <param name="Id">Of the connection, at its coordinator.</param>
/// <param name="Coordinator">The silo of the coordinator that it is to; null: one without a silo, a frontend.</param>
[GenerateSerializer, Immutable]
public sealed record NodeConnection([property: Id(0)] string Id, [property: Id(1)] SiloAddress? Coordinator);

/// <summary>Heartbeat of an idle node and its question for work.</summary>
[GenerateSerializer, Immutable]
public sealed record NodePoll
{
    [Id(0)] public required NodeProfile Profile { get; init; }

    /// <summary>How long to hold the poll open when there is no work, at most one minute.</summary>
    [Id(1)] public TimeSpan Wait { get; init; }

    [Id(2)] public Traffic? Traffic { get; init; }

    /// <summary>Federations that the node itself refuses (policy, own ledger): name to reason.</summary>
    [Id(3)] public Dictionary<string, string> Refused { get; init; } = [];

    /// <summary>Another with every start of its program; empty from older nodes.</summary>
    [Id(4)] public string Start { get; init; } = "";

    /// <summary>Over which it came; null from a coordinator of before.</summary>
    [Id(5)] public NodeConnection? Connection { get; init; }
}

/// <summary>Answer to a poll.</summary>
[GenerateSerializer, Immutable]
public sealed record PollReply
{
    /// <summary>What to do; null: nothing yet, poll again.</summary>
    [Id(0)] public TrainingTask? Task { get; init; }

    /// <summary>Without a task: why, for people.</summary>
    [Id(1)] public string WaitingFor { get; init; } = "";

    /// <summary>Privacy budgets are being asked for: there may be a task in a moment.</summary>
    [Id(2)] public bool Looking { get; init; }

    /// <summary>What the node is called.</summary>
    [Id(3)] public string NodeName { get; init; } = "";
}

/// <summary>Progress, and the heartbeat of a busy node.</summary>
[GenerateSerializer, Immutable]
public sealed record StatusReport
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required int Attempt { get; init; }

    [Id(3)] public required TaskPhase Phase { get; init; }

    [Id(4)] public int Step { get; init; }

    [Id(5)] public int Steps { get; init; }

    /// <summary>Null under privacy.</summary>
    [Id(6)] public double? Loss { get; init; }

    [Id(7)] public string Reason { get; init; } = "";

    [Id(8)] public Traffic? Traffic { get; init; }
}

/// <summary>Whether the round still wants the node's update.</summary>
[GenerateSerializer, Immutable]
public sealed record StatusReply
{
    [Id(0)] public required bool Wanted { get; init; }

    [Id(1)] public string Reason { get; init; } = "";
}

/// <summary>A training node as operators see it.</summary>
[GenerateSerializer, Immutable]
public sealed record NodeView
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public string Group { get; init; } = "";

    [Id(3)] public required DateTimeOffset EnrolledAt { get; init; }

    [Id(4)] public DateTimeOffset? LastSeen { get; init; }

    [Id(5)] public bool Revoked { get; init; }

    [Id(6)] public bool Online { get; init; }

    [Id(7)] public NodeProfile Profile { get; init; } = new();

    [Id(8)] public Traffic? Traffic { get; init; }

    /// <summary>Federations without this node: name to reason.</summary>
    [Id(9)] public Dictionary<string, string> Refused { get; init; } = [];

    /// <summary>What it does for which round; null when idle.</summary>
    [Id(10)] public StatusReport? Status { get; init; }

    /// <summary>The last failure it reported; empty if none.</summary>
    [Id(11)] public string LastError { get; init; } = "";

    /// <summary>How many tasks it was given, by federation: how they share it.</summary>
    [Id(13)] public Dictionary<string, int> Tasks { get; init; } = [];

    /// <summary>What its receipts add up to by data set, the one that was used last at the end.</summary>
    [Id(14)] public IReadOnlyList<DataSetSpending> Spent { get; init; } = [];
}

/// <summary>One receipt of a node's ledger.</summary>
[GenerateSerializer, Immutable]
public sealed record LedgerMirrorEntry
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required LedgerReceipt Receipt { get; init; }

    [Id(3)] public required DateTimeOffset At { get; init; }
}

/// <summary>Whether a round fits a node's privacy budget.</summary>
[GenerateSerializer, Immutable]
public sealed record BudgetAnswer
{
    [Id(0)] public required bool Fits { get; init; }

    /// <summary>Why it does not fit; empty otherwise.</summary>
    [Id(1)] public string Reason { get; init; } = "";
}
