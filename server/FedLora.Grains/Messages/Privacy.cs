using FedLora.Privacy;

namespace FedLora.Grains;

/// <summary>So many steps of DP-SGD: noise multiplier, sampling rate, steps.</summary>
[GenerateSerializer, Immutable]
public sealed record PrivacyRun
{
    [Id(0)] public required double NoiseMultiplier { get; init; }

    [Id(1)] public required double SamplingRate { get; init; }

    [Id(2)] public required long Steps { get; init; }

    public SampledGaussian ToMechanism() => new(NoiseMultiplier, SamplingRate, Steps);

    public static PrivacyRun Of(SampledGaussian run) => new() { NoiseMultiplier = run.NoiseMultiplier, SamplingRate = run.SamplingRate, Steps = run.Steps };
}

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

/// <summary>What a federation's privacy terms mean at one node, and what it has spent.</summary>
[GenerateSerializer, Immutable]
public sealed record NodePrivacy
{
    /// <summary>Empty: any node, where the sampling rate is the same for all.</summary>
    [Id(0)] public string NodeId { get; init; } = "";

    [Id(1)] public string Node { get; init; } = "";

    /// <summary>q.</summary>
    [Id(2)] public required double SamplingRate { get; init; }

    /// <summary>sigma, as stated or calibrated.</summary>
    [Id(3)] public required double NoiseMultiplier { get; init; }

    /// <summary>Of all planned rounds by themselves.</summary>
    [Id(4)] public required double PlannedEpsilon { get; init; }

    /// <summary>Rounds that it has trained for this federation.</summary>
    [Id(5)] public int Rounds { get; init; }

    /// <summary>Of its data set over all federations.</summary>
    [Id(6)] public double SpentEpsilon { get; init; }

    /// <summary>The site's; 0 = none.</summary>
    [Id(7)] public double LimitEpsilon { get; init; }

    /// <summary>What the last two are stated at.</summary>
    [Id(8)] public double Delta { get; init; }

    /// <summary>This row after one more receipt.</summary>
    public NodePrivacy After(PrivacyReceipt receipt) =>
        this with { Rounds = Rounds + 1, SpentEpsilon = receipt.EpsilonSpent, LimitEpsilon = receipt.EpsilonLimit, Delta = receipt.Delta };
}
