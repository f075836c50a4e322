using System.Collections.Immutable;
using FedLora.Federations.Cohorts;
using FedLora.Federations.Definitions;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Rounds;

/// <summary>What happens to a federation.</summary>
public abstract record FederationEvent
{
    private FederationEvent()
    {
    }

    /// <summary>An operator starts it, or has it go on after a pause.</summary>
    public sealed record StartAsked : FederationEvent;

    /// <summary>An operator pauses it. Updates that are in stay, and count when it goes on.</summary>
    public sealed record PauseAsked(string Reason) : FederationEvent;

    /// <summary>An operator ends it for good.</summary>
    public sealed record StopAsked(string Reason) : FederationEvent;

    /// <summary>A process has read it from its store: nothing is under way for it, nobody has been heard of.</summary>
    public sealed record Resumed : FederationEvent;

    /// <summary>The time of <see cref="Decision.Due"/> has come, or may have.</summary>
    /// <param name="Aggregating">An aggregation of the round is running.</param>
    public sealed record Due(bool Aggregating) : FederationEvent;

    /// <summary>The answer to <see cref="FederationEffect.LookAtNodes"/>.</summary>
    /// <param name="Here">The nodes that are there.</param>
    /// <param name="Enrolled">How many nodes there are at all; null where that is not known.</param>
    /// <param name="InOrder"><paramref name="Here"/> is in ordinal order of ids; else it is put into it.</param>
    public sealed record Looked(IReadOnlyList<Candidate> Here, int? Enrolled, bool InOrder = false) : FederationEvent;

    /// <summary>A node says that it will not deliver in this round.</summary>
    public sealed record NodeFailed(string NodeId, int Round, string Reason) : FederationEvent;

    /// <summary>A node is no longer one.</summary>
    public sealed record NodeRevoked(string NodeId) : FederationEvent;

    /// <summary>An update's bytes are checked and durable. It is acknowledged when the decision's standing is stored.</summary>
    public sealed record UpdateArrived(UpdateHeader Header) : FederationEvent;

    /// <summary>The answer to <see cref="FederationEffect.Aggregate"/>: everything named is durable.</summary>
    public sealed record Aggregated(AggregationOutcome Outcome) : FederationEvent;

    /// <summary>The other answer to <see cref="FederationEffect.Aggregate"/>.</summary>
    /// <param name="Passing">It may go well another time without anybody doing anything: a full disk, a store that did not answer.</param>
    public sealed record AggregationFailed(int Round, string Error, bool Passing) : FederationEvent;

    /// <summary>What the privacy terms mean at nodes that had no row yet, or another sampling rate.</summary>
    public sealed record PrivacyWorkedOut(ImmutableArray<NodePrivacy> Rows) : FederationEvent;

    /// <summary>An operator changed what may be changed; an open round goes on under the terms that it was opened with.</summary>
    public sealed record TermsChanged(FederationDefinition Definition) : FederationEvent;

    /// <summary>The answer to <see cref="FederationEffect.WritePage"/>.</summary>
    public sealed record PageWritten(int Page) : FederationEvent;
}

/// <summary>How an aggregation ended.</summary>
public sealed record AggregationOutcome
{
    public required int Round { get; init; }

    /// <summary>The new global adapter.</summary>
    public required AdapterRef Adapter { get; init; }

    /// <summary>SHA-256 (hex) of the stored <see cref="RoundRecord"/>.</summary>
    public required string Record { get; init; }

    /// <summary>What the round adds to the products to fold into the base weights; null: nothing.</summary>
    public AdapterRef? Fold { get; init; }

    /// <summary>All products to fold into the base weights so far, this round's included, as one; null: they stay one by one.</summary>
    public AdapterRef? Folded { get; init; }

    public double Milliseconds { get; init; }

    /// <summary>Relative error of the product; null where the method does not define it.</summary>
    public double? AggregationError { get; init; }

    /// <summary>Its standard error where it is an estimate; null where it is exact or not defined.</summary>
    public double? AggregationStandardError { get; init; }

    /// <summary>What the server's optimiser remembers after the round; null where there is none.</summary>
    public OptimizerMemory? Optimizer { get; init; }
}
