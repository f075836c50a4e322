using FedLora.Privacy;
using FedLora.Protocol.V1;

namespace FedLora.Client.Ledger;

/// <summary>From a definition's privacy terms to what they mean.</summary>
internal static class WirePlan
{
    /// <summary>The plan of a definition with privacy terms.</summary>
    internal static PrivacyPlan Of(FederationDefinition definition)
    {
        var terms = definition.Privacy;
        return new PrivacyPlan(
            terms.Epsilon, terms.Delta, terms.ClipNorm, terms.NoiseMultiplier, terms.SamplingRate, terms.Accountant.Length == 0 ? Accountants.Default.Name : terms.Accountant,
            (int)definition.Training.LocalSteps, (int)definition.Training.BatchSize, (int)definition.Rounds);
    }
}
