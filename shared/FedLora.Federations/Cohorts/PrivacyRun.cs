using FedLora.Privacy;

namespace FedLora.Federations.Cohorts;

/// <summary>So many steps of DP-SGD: noise multiplier, sampling rate, steps.</summary>
public sealed record PrivacyRun
{
    public required double NoiseMultiplier { get; init; }

    public required double SamplingRate { get; init; }

    public required long Steps { get; init; }

    public SampledGaussian ToMechanism() => new(NoiseMultiplier, SamplingRate, Steps);

    public static PrivacyRun Of(SampledGaussian run) =>
        new() { NoiseMultiplier = run.NoiseMultiplier, SamplingRate = run.SamplingRate, Steps = run.Steps };
}
