namespace FedLora.Aggregation;

/// <summary>How the aggregate withstands nodes whose updates are wrong, by accident or on purpose.</summary>
public enum RobustRule
{
    /// <summary>Every update counts.</summary>
    None,

    /// <summary>The median of the nodes, entry by entry (Yin et al., ICML 2018).</summary>
    Median,

    /// <summary>The mean of the nodes without the largest and smallest <c>f</c>, entry by entry (Yin et al., ICML 2018).</summary>
    TrimmedMean,

    /// <summary>The n - f updates that have most of the others near them (multi-Krum: Blanchard et al., NeurIPS 2017).</summary>
    Krum,
}

/// <summary>What a federation states of robust aggregation.</summary>
/// <param name="Rule">What takes the place of the mean over all nodes.</param>
/// <param name="Outliers">f: how many of a round's nodes may be hostile; at least 1.</param>
/// <param name="NormBound">Largest L2 norm of a node's change that counts in full; a larger change is scaled down to it. 0: none.</param>
public sealed record RobustTerms(RobustRule Rule, int Outliers, double NormBound)
{
    /// <summary>The rules by the names that files and messages have for them.</summary>
    public static IReadOnlyDictionary<string, RobustRule> Rules { get; } = new Dictionary<string, RobustRule>(StringComparer.Ordinal)
    {
        ["none"] = RobustRule.None,
        ["median"] = RobustRule.Median,
        ["trimmed-mean"] = RobustRule.TrimmedMean,
        ["krum"] = RobustRule.Krum,
    };

    /// <summary>Whether there is anything to do.</summary>
    public bool Apply => Rule != RobustRule.None || NormBound > 0;

    /// <summary>The fewest updates of a round with which the rule keeps its promise: 2 f + 1, krum 2 f + 3.</summary>
    public int LeastUpdates => Rule switch
    {
        RobustRule.None => 1,
        RobustRule.Krum => (2 * Outliers) + 3,
        _ => (2 * Outliers) + 1,
    };

    /// <summary>Refuses what a method cannot do, at creation.</summary>
    /// <param name="method">The federation's.</param>
    /// <param name="mixesRanks">Whether its nodes train different ranks.</param>
    /// <exception cref="FedLoraException"><c>method-unsupported</c>, saying why.</exception>
    public void Check(IFederatedMethod method, bool mixesRanks)
    {
        if (Apply && mixesRanks)
            throw MethodChecks.Unsupported(method, "has nodes of different ranks, whose updates cannot be compared entry by entry",
                "Leave robust out, or lora.rank_groups.");
        if (Rule is RobustRule.Median or RobustRule.TrimmedMean && WhyNotByEntry(method) is { } why)
            throw MethodChecks.Unsupported(method, why, "Use robust.rule: krum, robust.norm_bound, or method fedit.");
    }

    private static string? WhyNotByEntry(IFederatedMethod method) => method switch
    {
        { Traits.Exact: true } =>
            "promises the exact mean of the nodes' products, which a median or trimmed mean of their factors is not",
        { Traits.MakesFactorsAnew: true } or { Traits.MixesRanks: true } or { Traits.Folds: true } or { Name: "lora-fair" } =>
            "aggregates the nodes' products, and has no mean of their factors whose place a median could take",
        _ => null,
    };
}
