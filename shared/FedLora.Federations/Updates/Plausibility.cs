using FedLora.Federations.Rounds;

namespace FedLora.Federations.Updates;

/// <summary>
/// Whether what a node says of its data is likely beside what the others say: what it states is what it counts for, and nobody can check
/// it.
/// </summary>
public static class Plausibility
{
    /// <summary>So many times the round's median is worth a word.</summary>
    public const double Unlikely = 10;

    private const int Fewest = 3;

    /// <summary>
    /// One line for the operator where an update counts for more than <see cref="Unlikely"/> times the median of the round's; empty
    /// otherwise, and with fewer than three updates.
    /// </summary>
    public static string Remark(RoundProgress round, StoredUpdate update)
    {
        var weights = round.Updates.Values.Select(other => other.Weight).Order().ToArray();
        if (weights.Length < Fewest)
            return "";
        var median = (weights[(weights.Length - 1) / 2] / 2.0) + (weights[weights.Length / 2] / 2.0);
        if (update.Weight <= Unlikely * median)
            return "";
        var share = update.Weight / weights.Sum(weight => (double)weight);
        return $"it states {update.Weight} examples, {update.Weight / median:0} times the round's median, and makes "
            + $"{100 * share:0} % of the aggregate (weighting: uniform counts all alike)";
    }
}
