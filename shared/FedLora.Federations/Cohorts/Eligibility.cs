using FedLora.Federations.Definitions;

namespace FedLora.Federations.Cohorts;

/// <summary>Whether a node can take part in a federation at all, by what it said of itself.</summary>
public static class Eligibility
{
    private const int HashDigits = 12;

    /// <summary>Why the node cannot take part; empty if it can, as far as it has told.</summary>
    public static string Refusal(FederationDefinition definition, NodePresence presence)
    {
        if (presence.Refused.Length > 0)
            return presence.Refused;
        if (presence.Profile is not { } profile)
            return "";
        if (!profile.ModelFingerprints.Contains(definition.BaseModel.Fingerprint, StringComparer.Ordinal))
            return $"it does not hold the base model {definition.BaseModel.Name} ({Short(definition.BaseModel.Fingerprint)}) but "
                + $"{string.Join(", ", profile.ModelFingerprints.Select(Short).DefaultIfEmpty("none"))}";
        var rank = definition.RankOf(presence.Group);
        if (profile.MaxRank > 0 && profile.MaxRank < rank)
            return $"it trains rank {profile.MaxRank} at most, this federation's is {rank}";
        var unknown = profile.Labels.Count > 0 && definition.Task.Kind == LearningTask.Classification
            ? profile.Labels.Except(definition.Task.Labels, StringComparer.Ordinal).ToList() : [];
        return unknown.Count > 0 ? $"its data have labels that the federation does not: {string.Join(", ", unknown)}" : "";
    }

    private static string Short(string hash) => hash.Length > HashDigits ? hash[..HashDigits] : hash;
}
