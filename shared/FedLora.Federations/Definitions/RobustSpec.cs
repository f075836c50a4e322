using FedLora.Aggregation;

namespace FedLora.Federations.Definitions;

/// <summary>What the aggregate withstands. Refused where the method does not allow it.</summary>
public sealed record RobustSpec
{
    [Setting("what takes the place of the mean over all nodes", Vocabulary = Vocabulary.RobustRules)]
    public string Rule { get; init; } = "none";

    [Setting("how many of a round's nodes may be hostile; trimmed-mean leaves so many out at each end of an entry, krum so many updates",
        Min = 1, Max = 1000)]
    public int Outliers { get; init; } = 1;

    [Setting("largest L2 norm of a node's change that counts in full, a larger one is scaled down to it; 0: no bound", Min = 0, Max = 1e12)]
    public double NormBound { get; init; }

    /// <summary>The same in the words of the aggregation library.</summary>
    public RobustTerms ToTerms() => new(RobustTerms.Rules[Rule], Outliers, NormBound);
}
