namespace FedLora.Simulations.Audit;

/// <summary>What an audit tries.</summary>
/// <param name="Runs">Short trainings in each of the two worlds, with the canary and without; at least 100.</param>
/// <param name="NoiseMultiplier">sigma, positive.</param>
/// <param name="SamplingRate">q, above 0 and at most 1.</param>
/// <param name="Steps">Steps of a training.</param>
/// <param name="Delta">What epsilon is stated at.</param>
public sealed record AuditSettings(int Runs = 1000, double NoiseMultiplier = 2, double SamplingRate = 0.5, int Steps = 4,
    double Delta = 1e-5)
{
    /// <exception cref="FedLoraException"><c>audit-settings-invalid</c>.</exception>
    public void Validate()
    {
        if (Runs < 100 || !(NoiseMultiplier > 0) || !double.IsFinite(NoiseMultiplier) || SamplingRate is not (> 0 and <= 1) || Steps < 1
            || Delta is not (> 0 and < 1))
            throw new FedLoraException("audit-settings-invalid", "The audit cannot run with these numbers.",
                "At least 100 runs and 1 step, sigma above 0, q above 0 and at most 1, delta between 0 and 1.");
    }
}

/// <summary>What an audit found.</summary>
/// <param name="Accounted">epsilon by the accountant, upper end.</param>
/// <param name="Lower">What the trained adapters prove epsilon to be at least, at 95 % confidence.</param>
/// <param name="LowerWithoutNoise">The same with the noise turned off: must exceed <paramref name="Accounted"/>, or the audit could not
/// have failed.</param>
/// <param name="Noise">The most that the noise's standard deviation can be, over sigma C: below 1 there is less noise than
/// accounted.</param>
/// <param name="Mu">The least mu of Gaussian differential privacy that trainings at q = 1 show: at most <paramref name="AccountedMu"/>,
/// unless clipping lets more through or there is less noise.</param>
/// <param name="AccountedMu">sqrt(steps) / sigma.</param>
/// <param name="Rate">The least sampling rate that the canary's steps show: at most q.</param>
/// <param name="Settings">What was tried.</param>
/// <param name="Seconds">Time taken.</param>
public sealed record AuditResult(
    double Accounted, double Lower, double LowerWithoutNoise, double Noise, double Mu, double AccountedMu, double Rate,
    AuditSettings Settings, double Seconds)
{
    /// <summary>
    /// Whether what the adapters show stays within what the accountant promises: epsilon, and each of noise, clipping and sampling by
    /// itself.
    /// </summary>
    public bool Holds => Lower <= Accounted && Noise >= 1 && Mu <= AccountedMu && Rate <= Settings.SamplingRate;

    /// <summary>Whether the audit would have noticed missing noise.</summary>
    public bool CanFail => LowerWithoutNoise > Accounted;
}
