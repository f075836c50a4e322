namespace FedLora.Grains.Nodes;

/// <summary>Whether planned rounds fit a node's limit, as mirrored at the coordinator.</summary>
[GenerateSerializer, Immutable]
public sealed record PlanAnswer
{
    [Id(0)] public required bool Fits { get; init; }

    /// <summary>How many rounds fit, at most as many as planned.</summary>
    [Id(1)] public required long Rounds { get; init; }

    /// <summary>Both, and with which noise all would; empty where all fit.</summary>
    [Id(2)] public string Reason { get; init; } = "";
}
