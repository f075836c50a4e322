namespace FedLora.Grains;

/// <summary>What a node says of itself with every poll.</summary>
[GenerateSerializer, Immutable]
public sealed record NodePoll
{
    /// <summary>Fingerprint of the base model the node holds.</summary>
    [Id(0)] public required string Fingerprint { get; init; }

    [Id(1)] public string Version { get; init; } = "";

    [Id(2)] public NodeActivity Activity { get; init; }

    /// <summary>One line for people: what it is doing, or its last trouble.</summary>
    [Id(3)] public string StatusText { get; init; } = "";

    [Id(4)] public string LastError { get; init; } = "";

    /// <summary>Federations that the node itself refuses (policy, own ledger), with the reason.</summary>
    [Id(5)] public IReadOnlyList<Decline> Declines { get; init; } = [];

    /// <summary>The only federations it takes part in; empty: all that it can.</summary>
    [Id(6)] public IReadOnlyList<string> Federations { get; init; } = [];

    /// <summary>How long to hold the poll open when there is no work, at most one minute.</summary>
    [Id(7)] public TimeSpan Wait { get; init; }

    /// <summary>For heterogeneous ranks and link speeds; empty: the default group.</summary>
    [Id(8)] public string Group { get; init; } = "";
}

/// <summary>What a node is doing.</summary>
[GenerateSerializer]
public enum NodeActivity
{
    Idle,
    Downloading,
    Training,
    Uploading,
    Error,
}

/// <summary>A federation that the node refuses.</summary>
[GenerateSerializer, Immutable]
public sealed record Decline
{
    [Id(0)] public required string Federation { get; init; }

    /// <summary>Stable word, e.g. <c>privacy-budget</c>, <c>policy</c>.</summary>
    [Id(1)] public required string Code { get; init; }

    [Id(2)] public required string Reason { get; init; }
}

/// <summary>Answer to a poll.</summary>
[GenerateSerializer, Immutable]
public sealed record PollReply
{
    /// <summary>What to do; null: nothing yet, poll again.</summary>
    [Id(0)] public RoundTask? Task { get; init; }

    /// <summary>Why the node has no part in a federation, one entry per federation.</summary>
    [Id(1)] public IReadOnlyList<Notice> Notices { get; init; } = [];
}

/// <summary>Something a node should show to its administrator.</summary>
[GenerateSerializer, Immutable]
public sealed record Notice
{
    [Id(0)] public required string Federation { get; init; }

    /// <summary>Stable word, e.g. <c>model-mismatch</c>, <c>waiting</c>.</summary>
    [Id(1)] public required string Code { get; init; }

    [Id(2)] public required string Text { get; init; }
}

/// <summary>A training node as operators see it.</summary>
[GenerateSerializer, Immutable]
public sealed record NodeView
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required string Name { get; init; }

    [Id(2)] public required DateTimeOffset EnrolledAt { get; init; }

    [Id(3)] public bool Revoked { get; init; }

    [Id(4)] public bool Online { get; init; }

    [Id(5)] public DateTimeOffset? LastSeen { get; init; }

    [Id(6)] public string Fingerprint { get; init; } = "";

    [Id(7)] public string Version { get; init; } = "";

    [Id(8)] public NodeActivity Activity { get; init; }

    [Id(9)] public string StatusText { get; init; } = "";

    [Id(10)] public string LastError { get; init; } = "";

    /// <summary>What its data sets have spent, as its receipts say.</summary>
    [Id(11)] public IReadOnlyList<LedgerMirrorEntry> Ledger { get; init; } = [];

    [Id(12)] public string Group { get; init; } = "";
}

/// <summary>One receipt of a node's ledger.</summary>
[GenerateSerializer, Immutable]
public sealed record LedgerMirrorEntry
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required PrivacyReceipt Receipt { get; init; }

    [Id(3)] public required DateTimeOffset At { get; init; }
}

/// <summary>What a round would cost a node, asked before sampling.</summary>
[GenerateSerializer, Immutable]
public sealed record BudgetQuestion
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required FederationDefinition Definition { get; init; }
}

/// <summary>Whether the round fits the node's budget.</summary>
[GenerateSerializer, Immutable]
public sealed record BudgetAnswer
{
    [Id(0)] public required bool Fits { get; init; }

    /// <summary>Why it does not fit; empty otherwise.</summary>
    [Id(1)] public string Reason { get; init; } = "";
}
