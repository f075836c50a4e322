namespace FedLora.Federations.Cohorts;

/// <summary>A node that is there, as a federation is told of it.</summary>
public sealed record NodePresence
{
    public required string NodeId { get; init; }

    public required string Name { get; init; }

    public required string Group { get; init; }

    /// <summary>Null where only its reports have been heard since the coordinator started: it is at work and has not polled.</summary>
    public NodeProfile? Profile { get; init; }

    /// <summary>Another with every start of its program; empty where it tells none.</summary>
    public string Start { get; init; } = "";

    /// <summary>Why the node itself refuses this federation; empty if it does not.</summary>
    public string Refused { get; init; } = "";
}

/// <summary>A node as a decision sees it.</summary>
/// <param name="Presence">What it said last.</param>
/// <param name="Working">It has reported on the round at work.</param>
/// <param name="Budget">Whether the round fits its privacy limit: empty if so, else why not; null where that was not asked.</param>
public sealed record Candidate(NodePresence Presence, bool Working = false, string? Budget = null)
{
    public string Id => Presence.NodeId;
}
