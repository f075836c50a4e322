namespace FedLora.Client.Configuration;

/// <summary>How a training node runs. From a YAML file, from flags, or both (flags win).</summary>
public sealed record ClientOptions
{
    /// <summary>Address of the coordinator, e.g. <c>http://127.0.0.1:5000</c>.</summary>
    public required string Coordinator { get; init; }

    /// <summary>JSONL file with the site's examples.</summary>
    public required string Data { get; init; }

    /// <summary>Folder of the base model (Hugging Face layout).</summary>
    public required string Model { get; init; }

    /// <summary>The daemon's own folder: identity, cache, updates not yet acknowledged, privacy ledger.</summary>
    public required string State { get; init; }

    /// <summary>One-time join token; needed only until the node is enrolled.</summary>
    public string? Token { get; init; }

    /// <summary>Name for people; the machine's name if not set.</summary>
    public string Name { get; init; } = DefaultName();

    /// <summary>Node group, for ranks and densities that differ by group.</summary>
    public string Group { get; init; } = "";

    /// <summary>Largest rank this node trains; 0 = any.</summary>
    public int MaxRank { get; init; }

    /// <summary>Processor threads for training; 0 = all cores.</summary>
    public int Threads { get; init; }

    /// <summary>Go on after a line of the data that cannot be used, counting it, instead of stopping.</summary>
    public bool SkipBadLines { get; init; }

    /// <summary>What the site allows a coordinator to ask of it.</summary>
    public SitePolicy Policy { get; init; } = new();

    private static string DefaultName()
    {
        var name = new string([.. Environment.MachineName.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '-')]);
        return name.Length is > 0 and <= 64 ? name : "node";
    }
}

/// <summary>The site's own limits. No coordinator can raise them.</summary>
public sealed record SitePolicy
{
    /// <summary>Most epsilon that the data set may ever spend, over all federations; null = no limit.</summary>
    public double? MaxEpsilon { get; init; }

    /// <summary>Delta at which epsilon is counted.</summary>
    public double Delta { get; init; } = 1e-5;

    /// <summary>Take part only in federations with privacy terms.</summary>
    public bool RequirePrivacy { get; init; }

    /// <summary>Methods that may be asked for; empty = all.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>Federations that the site takes part in; empty = all.</summary>
    public IReadOnlyList<string> Federations { get; init; } = [];

    /// <summary>Smallest (expected) batch; 0 = any.</summary>
    public int MinBatch { get; init; }

    /// <summary>Why a federation is not allowed here, in one line; null if it is.</summary>
    public string? Refuses(Protocol.V1.FederationDefinition federation)
    {
        if (Federations.Count > 0 && !Federations.Contains(federation.Name))
            return $"this site's policy does not list federation '{federation.Name}'";
        if (Methods.Count > 0 && !Methods.Contains(federation.Method))
            return $"this site's policy does not allow method '{federation.Method}'";
        if ((RequirePrivacy || MaxEpsilon is not null) && federation.Privacy is null)
            return "this site's policy asks for differential privacy, and the federation has none";
        if (federation.Training.BatchSize < MinBatch)
            return $"this site's policy asks for batches of at least {MinBatch}, the federation's are {federation.Training.BatchSize}";
        return null;
    }
}
