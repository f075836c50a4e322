using FedLora.Federations.Definitions;
using FedLora.Privacy;

namespace FedLora.Federations.Exports;

/// <summary>What a federation's privacy terms promise of an adapter, in sentences for people.</summary>
public static class PrivacyPromise
{
    /// <summary>Null where the federation has no privacy terms.</summary>
    /// <param name="definition">The federation's.</param>
    /// <param name="rounds">How many rounds the adapter has seen.</param>
    public static string? Of(FederationDefinition definition, int rounds) => definition.Privacy is not { } terms ? null
        : $"Trained with differential privacy: {Bound(definition, terms, rounds)}, for one example of any site added or removed. Each site "
            + $"clipped every example's gradient to norm {terms.ClipNorm:0.####} and added Gaussian noise of its own (Poisson-sampled "
            + $"DP-SGD, "
            + $"{rounds} of {definition.Rounds} rounds of {definition.Training.LocalSteps} steps). "
            + "A site's data may have spent more on other federations: its own ledger says what.";

    /// <summary>What is so where nodes and noise were simulated; null where the federation has no privacy terms.</summary>
    public static string? Simulated(FederationDefinition definition) => definition.Privacy is null ? null
        : "Simulated: its noise follows from the seed and protects nobody. Real nodes of this federation would draw noise that nobody can "
            + "foretell; this adapter was made without it, and what its examples hold may be read from it.";

    private static string Bound(FederationDefinition definition, PrivacySpec terms, int rounds)
    {
        if (terms.Epsilon > 0)
        {
            return $"this federation spends at most epsilon {EpsilonText.AtMost(terms.Epsilon)} at delta {terms.Delta:0.###e-0} at each "
                + "site over all its rounds";
        }
        if (terms.SamplingRate <= 0 || rounds == 0)
            return $"noise multiplier {terms.NoiseMultiplier:0.####} at each site, whose epsilon depends on its sampling rate";
        var run = new SampledGaussian(terms.NoiseMultiplier, terms.SamplingRate, (long)definition.Training.LocalSteps * rounds);
        var spent = EpsilonText.AtMost(Accountants.Default.Epsilon([run], terms.Delta).Epsilon);
        // A round that was repeated was charged again: only the site's ledger knows.
        return $"its rounds, each trained once, spend at most epsilon {spent} at delta {terms.Delta:0.###e-0} at each site";
    }
}
