namespace FedLora.Federations.Rounds;

/// <summary>Life of a federation. Stored by name: members may be added and moved, never renamed.</summary>
public enum FederationState
{
    Created,
    Running,
    Paused,

    /// <summary>All rounds are done.</summary>
    Finished,

    /// <summary>Ended by an operator, for good.</summary>
    Stopped,
}

/// <summary>Phase of a round. Stored by name.</summary>
public enum RoundState
{
    /// <summary>Waiting for enough eligible nodes.</summary>
    Sampling,

    /// <summary>The cohort is fixed; updates are accepted until all are in or the deadline passes.</summary>
    Open,

    /// <summary>The next global adapter is being computed from the stored updates.</summary>
    Aggregating,

    /// <summary>The new global adapter is the federation's.</summary>
    Committed,
}

/// <summary>How far a node is with its task.</summary>
public enum TaskPhase
{
    Unspecified,
    Downloading,
    Training,
    Uploading,

    /// <summary>The node will send no update for this round.</summary>
    Refused,

    Failed,
}
