namespace FedLora.Grains;

/// <summary>What a node is asked to do.</summary>
[GenerateSerializer, Immutable]
public sealed record RoundTask
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required int Attempt { get; init; }

    [Id(3)] public required FederationDefinition Definition { get; init; }

    /// <summary>SHA-256 (hex) of the global adapter to start from.</summary>
    [Id(4)] public required string GlobalAdapter { get; init; }

    [Id(5)] public required long GlobalAdapterBytes { get; init; }

    [Id(6)] public required DateTimeOffset Deadline { get; init; }

    /// <summary>Largest update accepted, bytes.</summary>
    [Id(7)] public required long MaxUpdateBytes { get; init; }
}

/// <summary>What a node says of the update it has uploaded.</summary>
[GenerateSerializer, Immutable]
public sealed record UpdateSubmission
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required string NodeId { get; init; }

    /// <summary>SHA-256 (hex) of the uploaded bytes.</summary>
    [Id(3)] public required string Sha256 { get; init; }

    [Id(4)] public required long Bytes { get; init; }

    /// <summary>Training examples behind the update, at least 1; 0 under privacy, where the count is private.</summary>
    [Id(5)] public required long Examples { get; init; }

    /// <summary>For example <c>loss</c>, <c>tokens</c>, <c>seconds</c>; finite numbers.</summary>
    [Id(6)] public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>What the node's ledger was charged; null without privacy.</summary>
    [Id(7)] public PrivacyReceipt? Receipt { get; init; }

    /// <summary><c>safetensors</c>, or a format of the sparse codec.</summary>
    [Id(8)] public string Format { get; init; } = "safetensors";
}

/// <summary>What one round cost a data set, as the node's own ledger has recorded it.</summary>
[GenerateSerializer, Immutable]
public sealed record PrivacyReceipt
{
    /// <summary>Content identity of the data set.</summary>
    [Id(0)] public required string DataSet { get; init; }

    [Id(1)] public required double NoiseMultiplier { get; init; }

    [Id(2)] public required double SamplingRate { get; init; }

    [Id(3)] public required long Steps { get; init; }

    [Id(4)] public required double Delta { get; init; }

    /// <summary>Epsilon spent by this federation on the data set so far, by the node's accountant.</summary>
    [Id(5)] public double EpsilonSpent { get; init; }

    /// <summary>The site's limit for the data set; null: none.</summary>
    [Id(6)] public double? EpsilonLimit { get; init; }

    /// <summary>Hash of the ledger entry.</summary>
    [Id(7)] public string Entry { get; init; } = "";
}

/// <summary>What an update must look like; asked before the bytes are checked.</summary>
[GenerateSerializer, Immutable]
public sealed record UpdateExpectation
{
    [Id(0)] public required FederationDefinition Definition { get; init; }

    [Id(1)] public required string GlobalAdapter { get; init; }

    [Id(2)] public required long MaxUpdateBytes { get; init; }

    /// <summary>True where this very update is stored already: acknowledge it again.</summary>
    [Id(3)] public bool AlreadyStored { get; init; }
}

/// <summary>A stored update.</summary>
[GenerateSerializer, Immutable]
public sealed record StoredUpdate
{
    [Id(0)] public required string NodeId { get; init; }

    [Id(1)] public required string Sha256 { get; init; }

    [Id(2)] public required long Bytes { get; init; }

    [Id(3)] public required long Examples { get; init; }

    [Id(4)] public required string Format { get; init; }

    [Id(5)] public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    [Id(6)] public PrivacyReceipt? Receipt { get; init; }

    [Id(7)] public DateTimeOffset ReceivedAt { get; init; }
}

/// <summary>All inputs and the result of one committed round: enough to compute it again. Stored as a JSON blob.</summary>
[GenerateSerializer, Immutable]
public sealed record RoundRecord
{
    [Id(0)] public required string Federation { get; init; }

    [Id(1)] public required int Round { get; init; }

    [Id(2)] public required int Attempt { get; init; }

    /// <summary>SHA-256 (hex) of the global adapter before the round.</summary>
    [Id(3)] public required string Before { get; init; }

    /// <summary>In node order (ordinal by id).</summary>
    [Id(4)] public required IReadOnlyList<StoredUpdate> Updates { get; init; }

    /// <summary>SHA-256 (hex) of the global adapter after the round.</summary>
    [Id(5)] public required string After { get; init; }

    [Id(6)] public IReadOnlyList<string> Cohort { get; init; } = [];

    [Id(7)] public IReadOnlyList<LeftOut> LeftOut { get; init; } = [];
}

/// <summary>Result of computing a committed round again.</summary>
[GenerateSerializer, Immutable]
public sealed record ReplayResult
{
    [Id(0)] public required int Round { get; init; }

    /// <summary>SHA-256 (hex) that was committed.</summary>
    [Id(1)] public required string Committed { get; init; }

    /// <summary>SHA-256 (hex) of what the replay computed.</summary>
    [Id(2)] public required string Replayed { get; init; }

    public bool Same => string.Equals(Committed, Replayed, StringComparison.Ordinal);
}
