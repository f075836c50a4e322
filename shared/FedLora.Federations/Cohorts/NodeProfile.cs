namespace FedLora.Federations.Cohorts;

/// <summary>What a node offers; sent with every poll.</summary>
public sealed record NodeProfile
{
    public IReadOnlyList<string> ModelFingerprints { get; init; } = [];

    /// <summary>0 = any.</summary>
    public int MaxRank { get; init; }

    public string Version { get; init; } = "";

    /// <summary>Label names that the site's data use; empty if unknown or not to be told.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>
    /// A figure that the site itself states and that may be known; null where it states none. Never counted: a count is private too.
    /// </summary>
    public long? ExampleCount { get; init; }

    public IReadOnlyList<PrivacyBalance> Balances { get; init; } = [];
}

/// <summary>What a data set has spent over all federations, and its limit; mirrored from the node's own ledger.</summary>
public sealed record PrivacyBalance
{
    public required string DataSet { get; init; }

    public required double SpentEpsilon { get; init; }

    /// <summary>0 = no limit.</summary>
    public required double LimitEpsilon { get; init; }

    public required double Delta { get; init; }

    /// <summary>Of the whole ledger; 0 from older nodes.</summary>
    public long Entries { get; init; }

    /// <summary>Whether the data were also trained on without noise.</summary>
    public bool UsedWithoutPrivacy { get; init; }

    /// <summary>The field that makes lines one unit of privacy; empty where each line is one.</summary>
    public string Unit { get; init; } = "";

    /// <summary>What was spent, equal mechanisms put together.</summary>
    public IReadOnlyList<PrivacyRun> Runs { get; init; } = [];
}
