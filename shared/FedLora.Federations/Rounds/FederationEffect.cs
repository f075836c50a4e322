using System.Collections.Immutable;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Rounds;

/// <summary>What is to be done after a decision's standing is stored.</summary>
public abstract record FederationEffect
{
    private FederationEffect()
    {
    }

    /// <summary>Send <see cref="FederationEvent.Looked"/>.</summary>
    public sealed record LookAtNodes : FederationEffect;

    /// <summary>Ask whether a round fits these nodes' privacy limits, then look again.</summary>
    public sealed record AskBudgets(ImmutableArray<string> NodeIds) : FederationEffect;

    /// <summary>The round is open; these have a task.</summary>
    public sealed record Opened(ImmutableArray<string> NodeIds) : FederationEffect;

    /// <summary>The round takes no more updates.</summary>
    public sealed record Closed : FederationEffect;

    /// <summary>The round has too few updates and is tried again.</summary>
    public sealed record Repeated(string Why) : FederationEffect;

    /// <summary>
    /// Compute the next adapter outside of any turn, unless that is under way; answer with <see cref="FederationEvent.Aggregated"/> or
    /// <see cref="FederationEvent.AggregationFailed"/>.
    /// </summary>
    public sealed record Aggregate : FederationEffect;

    /// <summary>Nobody wants what is being aggregated.</summary>
    public sealed record CancelAggregation : FederationEffect;

    /// <summary>An aggregation has failed; <see cref="RoundProgress.AggregateAgainAt"/> says when it is tried again, if at all.</summary>
    public sealed record AggregationFailed(string Error) : FederationEffect;

    /// <summary>A round is committed: this is its line, and the standing before it.</summary>
    public sealed record Committed(RoundSummary Summary, FederationStanding Before) : FederationEffect;

    /// <summary>The update is part of the round: tell its node so.</summary>
    public sealed record Acknowledge(StoredUpdate Update) : FederationEffect;

    /// <summary>Tell the node why not.</summary>
    public sealed record Refuse(Refusal Refusal) : FederationEffect;

    /// <summary>The federation is now in another state of its life; the list of federations is to say so.</summary>
    public sealed record StateChanged : FederationEffect;

    /// <summary>A node's failure is noted.</summary>
    public sealed record NodeFailed(string NodeId, string Reason) : FederationEffect;

    /// <summary>These nodes are newly left out.</summary>
    public sealed record LeftOut(ImmutableArray<ExcludedNode> Nodes) : FederationEffect;

    /// <summary>
    /// Store these rounds as a page of the history (the same page again is the same), then send <see cref="FederationEvent.PageWritten"/>.
    /// </summary>
    /// <param name="Page">From 0; holds rounds <c>Page * PageSize + 1</c> and on.</param>
    public sealed record WritePage(int Page, ImmutableArray<RoundSummary> Rounds) : FederationEffect;
}

/// <summary>What follows from an event.</summary>
/// <param name="Standing">To be stored where it is another one than before; where that fails, nothing has happened.</param>
/// <param name="Effects">To be done after that, in this order.</param>
/// <param name="Due">When <see cref="FederationEvent.Due"/> is to be sent at the latest; null where the federation waits for an operator,
/// or for nothing any more.</param>
public sealed record Decision(FederationStanding Standing, ImmutableArray<FederationEffect> Effects, DateTimeOffset? Due);
