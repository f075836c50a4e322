using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;

namespace FedLora.Federations.Updates;

/// <summary>
/// How much one update may count for where nodes state it of themselves: nobody can check that, and without a bound one of them would be
/// the aggregate by a slip or a lie.
/// </summary>
public static class WeightBound
{
    /// <summary>The most that an update of the round counts for; <see cref="long.MaxValue"/> where there is no bound.</summary>
    public static long Of(FederationDefinition definition, RoundProgress round)
    {
        if (definition.MaxWeight == 0 || !definition.CountsStated() || round.Updates.IsEmpty)
            return long.MaxValue;
        // Of two middle ones the smaller: of two updates, one must not raise its own bound.
        var weights = round.Updates.Values.Select(update => update.Weight).Order().ToArray();
        var most = Math.Ceiling(definition.MaxWeight * weights[(weights.Length - 1) / 2]);
        return most >= long.MaxValue ? long.MaxValue : Math.Max(1, (long)most);
    }

    /// <summary>The round, none of whose updates counts for more; what nodes stated stays in their headers.</summary>
    public static RoundProgress Apply(FederationDefinition definition, RoundProgress round)
    {
        var most = Of(definition, round);
        var above = round.Updates.Where(entry => entry.Value.Weight > most).ToList();
        return above.Count == 0 ? round : round with
        {
            Updates = round.Updates.SetItems(above.Select(entry => KeyValuePair.Create(entry.Key, entry.Value with { Weight = most }))),
        };
    }
}
