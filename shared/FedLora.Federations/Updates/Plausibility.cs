using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;

namespace FedLora.Federations.Updates;

/// <summary>
/// Whether what a node says of its data is likely beside what the others say: what it states is what it counts for, up to
/// <see cref="WeightBound"/>, and nobody can check it.
/// </summary>
public static class Plausibility
{
    /// <summary>So many times the round's median is worth a word.</summary>
    public const double Unlikely = 10;

    private const int Fewest = 3;

    /// <summary>
    /// One line for the operator where a node states more than <see cref="Unlikely"/> times the median of the round's; empty otherwise,
    /// and with fewer than three updates.
    /// </summary>
    public static string Remark(FederationDefinition definition, RoundProgress round, StoredUpdate update)
    {
        var counts = round.Updates.Values.Select(other => Count(definition, other)).Order().ToArray();
        if (counts.Length < Fewest)
            return "";
        var median = (counts[(counts.Length - 1) / 2] / 2.0) + (counts[counts.Length / 2] / 2.0);
        var count = Count(definition, update);
        if (count <= Unlikely * median)
            return "";
        var bounded = WeightBound.Apply(definition, round).Updates;
        var weight = bounded[update.Header.NodeId].Weight;
        var share = weight / bounded.Values.Sum(other => (double)other.Weight);
        return $"it states {count} examples, {count / median:0} times the round's median"
            + (weight < count ? $", counts for {weight} (max_weight {definition.MaxWeight:0.###})" : "")
            + $", and makes {100 * share:0} % of the aggregate (weighting: uniform counts all alike)";
    }

    // A round that is closed has bounded weights; what a node stated is in its header.
    private static long Count(FederationDefinition definition, StoredUpdate update) =>
        definition.CountsStated() ? update.Header.ExampleCount : update.Weight;
}
