using System.Collections.Immutable;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Rounds;

/// <summary>The round at work.</summary>
public sealed record RoundProgress
{
    /// <summary>From 1.</summary>
    public required int Round { get; init; }

    /// <summary>From 1; grows when the round is repeated.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The attempt from which repetitions are counted: the first, or the one after a pause.</summary>
    public int FirstAttempt { get; init; } = 1;

    public RoundState State { get; init; }

    /// <summary>Everybody who was sampled in any attempt, by node id.</summary>
    public ImmutableDictionary<string, CohortEntry> Cohort { get; init; } = ImmutableDictionary<string, CohortEntry>.Empty;

    /// <summary>Ids of those whose update this attempt waits for.</summary>
    public ImmutableHashSet<string> Awaited { get; init; } = [];

    /// <summary>Acknowledged, by node id.</summary>
    public ImmutableDictionary<string, StoredUpdate> Updates { get; init; } = ImmutableDictionary<string, StoredUpdate>.Empty;

    /// <summary>With so many updates the round closes at once.</summary>
    public int Wanted { get; init; }

    /// <summary>With so many it closes at the deadline.</summary>
    public int Quorum { get; init; }

    public DateTimeOffset? OpenedAt { get; init; }

    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Since when it waits for nodes.</summary>
    public DateTimeOffset SamplingSince { get; init; }

    /// <summary>
    /// It, or the round before, was sampled with fewer nodes than <c>size</c>, after waiting for more: nobody waits for them again before
    /// an operator starts the federation anew.
    /// </summary>
    public bool IsShort { get; init; }

    /// <summary>Left out when last sampled.</summary>
    public ImmutableList<ExcludedNode> Excluded { get; init; } = [];

    /// <summary>How often the aggregation has failed since the start or the last pause.</summary>
    public int AggregationFailures { get; init; }

    /// <summary>When a failed aggregation is tried again; null where none has failed.</summary>
    public DateTimeOffset? AggregateAgainAt { get; init; }

    /// <summary>The acknowledged updates in node order: the order in which they are aggregated, whatever the order of arrival.</summary>
    public ImmutableArray<StoredUpdate> InNodeOrder() =>
        [.. Updates.Values.OrderBy(update => update.Header.NodeId, StringComparer.Ordinal)];
}

/// <summary>One sampled node.</summary>
public sealed record CohortEntry
{
    public required string NodeId { get; init; }

    public required string Name { get; init; }

    public required string Group { get; init; }

    public required int Rank { get; init; }

    /// <summary>The last attempt it was sampled for.</summary>
    public required int Attempt { get; init; }

    /// <summary>The start of its program that was sampled; empty where it told none.</summary>
    public string Start { get; init; } = "";

    /// <summary>Why it said last that it cannot deliver; empty if it did not.</summary>
    public string Failure { get; init; } = "";

    /// <summary>How often it said so in this round.</summary>
    public int Failures { get; init; }

    /// <summary>When it said so.</summary>
    public DateTimeOffset? FailedAt { get; init; }

    /// <summary>It is no longer a node: it may not deliver.</summary>
    public bool Revoked { get; init; }
}
