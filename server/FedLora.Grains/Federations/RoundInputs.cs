namespace FedLora.Grains.Federations;

/// <summary>All that an aggregation depends on.</summary>
/// <param name="Before">The global adapter before the round.</param>
/// <param name="Updates">In node order.</param>
public sealed record RoundInputs(FederationDefinition Definition, int Round, AdapterRef Before, IReadOnlyList<StoredUpdate> Updates)
{
    /// <summary>What the server's optimiser remembers; null before its first step.</summary>
    public OptimizerMemory? Optimizer { get; init; }

    /// <summary>Products to fold into the base weights, of the rounds before.</summary>
    public IReadOnlyList<AdapterRef> Folds { get; init; } = [];

    /// <summary>The round's record, but for what comes out; null in a replay, which stores none.</summary>
    public RoundRecord? Record { get; init; }

    /// <summary>Of a round that is closed.</summary>
    public static RoundInputs Of(FederationStanding standing)
    {
        var (round, updates) = (standing.Round, standing.Round.InNodeOrder());
        return new(standing.Definition, round.Round, standing.Adapter, updates)
        {
            Optimizer = standing.Optimizer,
            Folds = standing.Fold,
            Record = new()
            {
                Federation = standing.Name,
                Round = round.Round,
                Attempt = round.Attempt,
                Before = standing.Adapter,
                Updates = updates,
                After = standing.Adapter,
                Cohort = [.. round.Cohort.Keys.Order(StringComparer.Ordinal)],
                Excluded = [.. round.Excluded],
                Optimizer = standing.Optimizer,
            },
        };
    }
}
