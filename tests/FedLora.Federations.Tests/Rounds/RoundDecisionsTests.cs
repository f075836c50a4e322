using FedLora.Federations.Cohorts;
using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Tests.Rounds;

/// <summary>Single decisions that were wrong once.</summary>
public sealed class RoundDecisionsTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly CohortSpec Two = new()
    {
        MinNodes = 2,
        Quorum = 2,
        Deadline = TimeSpan.FromHours(1),
        MaxRepeats = 2,
        SamplingTimeout = TimeSpan.FromDays(1),
    };

    /// <summary>A round of two: one says "disk full" once. It was left out until somebody else came, which nobody does.</summary>
    [Fact]
    public void A_passing_failure_is_forgiven_after_a_while()
    {
        var standing = Open(Two, "a", "b");
        standing = Decide(standing, Arrives("b"), Start).Standing;
        standing = Decide(standing, new FederationEvent.NodeFailed("a", 1, "disk full"), Start).Standing;
        Assert.Equal((RoundState.Sampling, 2), (standing.Round.State, standing.Round.Attempt));
        standing = Look(standing, Start + TimeSpan.FromSeconds(20), "a");
        Assert.Contains("disk full (asked again from 2026-01-01 00:00:30Z)", Assert.Single(standing.Round.Excluded).Reason,
            StringComparison.Ordinal);
        standing = Look(standing, Start + TimeSpan.FromSeconds(31), "a");
        Assert.Equal((RoundState.Open, 1), (standing.Round.State, standing.Round.Awaited.Count));
        Assert.NotNull(RoundDecisions.TaskOf(standing, "a"));
    }

    [Fact]
    public void A_start_forgives_failures_at_once()
    {
        var standing = Open(Two with { MaxRepeats = 0 }, "a", "b");
        standing = Decide(standing, new FederationEvent.NodeFailed("a", 1, "disk full"), Start).Standing;
        standing = Decide(standing, new FederationEvent.NodeFailed("b", 1, "out of memory"), Start).Standing;
        Assert.Equal(FederationState.Paused, standing.State);
        Assert.Contains("a: disk full; b: out of memory", standing.Reason, StringComparison.Ordinal);
        standing = Look(Decide(standing, new FederationEvent.StartAsked(), Start).Standing, Start, "a", "b");
        Assert.Equal(2, standing.Round.Awaited.Count);
    }

    /// <summary>Two or more nodes were asked for, a quorum of four could not be had from two.</summary>
    [Fact]
    public void No_round_opens_that_cannot_be_won()
    {
        var standing = Look(Running(new() { Size = 4, MinNodes = 2 }), Start, "a", "b");
        Assert.Equal(RoundState.Sampling, standing.Round.State);
        standing = Look(standing, Start, "a", "b", "c", "d");
        Assert.Equal((RoundState.Open, 4), (standing.Round.State, standing.Round.Quorum));
    }

    /// <summary>The coordinator has started anew, and knows of the nodes at work only what they report.</summary>
    [Fact]
    public void Nodes_at_work_are_kept_when_the_round_is_repeated()
    {
        var standing = Open(Two, "a", "b");
        var later = Start + TimeSpan.FromHours(1);
        standing = Decide(standing, new FederationEvent.Due(false), later).Standing;
        Assert.Equal(RoundState.Sampling, standing.Round.State);
        Assert.Equal("", RoundDecisions.NotWanted(standing, "a", 1));
        NodePresence Reported(string id) => new() { NodeId = id, Name = id, Group = "" };
        var decision = Decide(standing,
            new FederationEvent.Looked(
                [new(Reported("a"), Working: true), new(Reported("b"), Working: true), new(Reported("stranger"), Working: true)], null),
            later);
        Assert.Equal((RoundState.Open, 2), (decision.Standing.Round.State, decision.Standing.Round.Awaited.Count));
        Assert.Equal(2, decision.Standing.Round.Awaited.Count);
    }

    [Fact]
    public void A_late_update_counts_while_nodes_are_looked_for_again()
    {
        var standing = Open(Two, "a", "b");
        standing = Decide(standing, Arrives("a"), Start).Standing;
        standing = Decide(standing, new FederationEvent.Due(false), Start + TimeSpan.FromHours(1)).Standing;
        Assert.Equal(RoundState.Sampling, standing.Round.State);
        var decision = Decide(standing, Arrives("b"), Start + TimeSpan.FromHours(1));
        Assert.Equal((RoundState.Aggregating, 2), (decision.Standing.Round.State, decision.Standing.Round.Updates.Count));
        Assert.Contains(decision.Effects, effect => effect is FederationEffect.Aggregate);
    }

    [Fact]
    public void An_open_upload_of_a_revoked_node_is_refused_and_it_is_not_sampled_again()
    {
        var standing = Decide(Open(Two, "a", "b", "c"), new FederationEvent.NodeRevoked("a"), Start).Standing;
        var refusal = Assert.IsType<FederationEffect.Refuse>(Assert.Single(Decide(standing, Arrives("a"), Start).Effects)).Refusal;
        Assert.Equal(RefusalCodes.NodeRevoked, refusal.Code);
        Assert.NotEqual("", RoundDecisions.NotWanted(standing, "a", 1));
        standing = Decide(standing, new FederationEvent.Due(false), Start + TimeSpan.FromHours(2)).Standing;
        standing = Look(standing, Start + TimeSpan.FromHours(2), "a", "b", "c");
        Assert.Equal(["b", "c"], standing.Round.Awaited.Order(StringComparer.Ordinal));
    }

    /// <summary>A full disk at the end of an aggregation left the round "aggregating" for ever.</summary>
    [Fact]
    public void A_failed_aggregation_is_tried_again_and_then_the_federation_pauses_and_says_why()
    {
        var (standing, now, tries) = (Closed(), Start, 1);
        while (standing.State == FederationState.Running)
        {
            var decision = Decide(standing, new FederationEvent.AggregationFailed(1, "No space left.", Passing: true), now);
            (standing, now) = (decision.Standing, decision.Due ?? now);
            if (decision.Due is null)
                break;
            Assert.Contains("is tried again at", Waiting.Says(standing), StringComparison.Ordinal);
            decision = Decide(standing, new FederationEvent.Due(false), now);
            Assert.IsType<FederationEffect.Aggregate>(Assert.Single(decision.Effects));
            (standing, tries) = (decision.Standing, tries + 1);
        }

        Assert.Equal(Retries.Aggregations, tries);
        Assert.Contains("could not be aggregated: No space left. Its updates are kept", standing.Reason, StringComparison.Ordinal);
        var again = Decide(standing, new FederationEvent.StartAsked(), now);
        Assert.Contains(again.Effects, effect => effect is FederationEffect.Aggregate);
        Assert.Equal(1,
            Decide(again.Standing,
                new FederationEvent.Aggregated(new() { Round = 1, Adapter = new() { Sha256 = "b", Bytes = 1 }, Record = "r" }),
                now).Standing.RoundsDone);
    }

    /// <summary>Nobody tells how an aggregation has ended: the process or its message was lost.</summary>
    [Fact]
    public void A_lost_aggregation_is_begun_again()
    {
        var decision = Decide(Closed(), new FederationEvent.Due(Aggregating: true), Start);
        Assert.Empty(decision.Effects);
        Assert.Equal(Start + Waiting.AggregationCheck, decision.Due);
        Assert.IsType<FederationEffect.Aggregate>(
            Assert.Single(
                Decide(decision.Standing, new FederationEvent.Due(Aggregating: false), Start + Waiting.AggregationCheck).Effects));
    }

    [Fact]
    public void Stopping_cancels_the_aggregation_and_what_comes_of_it_is_not_committed()
    {
        var decision = Decide(Closed(), new FederationEvent.StopAsked("enough"), Start);
        Assert.Contains(decision.Effects, effect => effect is FederationEffect.CancelAggregation);
        var after = Decide(decision.Standing,
            new FederationEvent.Aggregated(new() { Round = 1, Adapter = new() { Sha256 = "b", Bytes = 1 }, Record = "r" }), Start);
        Assert.Same(decision.Standing, after.Standing);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(-400)]
    public void A_clock_set_back_prolongs_no_wait_beyond_its_length(int days)
    {
        var now = Start.AddDays(days);
        Assert.Equal(now + Two.Deadline, Decide(Open(Two, "a", "b"), new FederationEvent.Due(false), now).Due);
        var sampling = Decide(Running(Two), new FederationEvent.Due(false), now).Standing;
        Assert.Equal(now, sampling.Round.SamplingSince);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_count_of_examples_has_bounds(long count)
    {
        var arrives = Arrives("a");
        var refused = Decide(Open(Two, "a", "b"), arrives with { Header = arrives.Header with { ExampleCount = count } }, Start);
        Assert.Equal(RefusalCodes.UpdateExamples, Assert.IsType<FederationEffect.Refuse>(Assert.Single(refused.Effects)).Refusal.Code);
    }

    /// <summary>Within its bounds a count of 10^12 made one node's update the adapter.</summary>
    [Fact]
    public void A_round_closes_with_weights_that_are_bounded_by_its_median()
    {
        var standing = Open(Two with { MinNodes = 3, Quorum = 3 }, "a", "b", "c");
        foreach (var (node, count) in new[] { ("a", Admission.MostExamples), ("b", 20L), ("c", 10L) })
        {
            var arrives = Arrives(node);
            standing = Decide(standing, arrives with { Header = arrives.Header with { ExampleCount = count } }, Start).Standing;
        }

        Assert.Equal(RoundState.Aggregating, standing.Round.State);
        Assert.Equal([200, 20, 10], standing.Round.InNodeOrder().Select(update => update.Weight));
    }

    /// <summary>Three of four sites are up, and three are enough: it waited a day for the fourth.</summary>
    [Fact]
    public void A_round_opens_with_its_quorum_after_the_wait_and_says_so_and_the_next_does_not_wait_again()
    {
        var rules = new CohortSpec { Size = 4, Quorum = 3, Wait = TimeSpan.FromSeconds(40) };
        var waiting = Decide(Running(rules), Comes("a", "b", "c"), Start);
        Assert.Equal((RoundState.Sampling, Start + rules.Wait), (waiting.Standing.Round.State, waiting.Due));
        Assert.Contains("waits for 4 nodes, from 2026-01-01 00:00:40Z on for 3 (wait_seconds 40), 3 here",
            Waiting.Says(waiting.Standing, 3), StringComparison.Ordinal);
        Assert.Equal(RoundState.Open, Look(waiting.Standing, Start, "a", "b", "c", "d").Round.State);
        Assert.Equal(RoundState.Sampling, Look(waiting.Standing, Start + rules.Wait, "a", "b").Round.State);
        var standing = Look(waiting.Standing, Start + rules.Wait, "a", "b", "c");
        Assert.Equal((RoundState.Open, 3, 3), (standing.Round.State, standing.Round.Quorum, standing.Round.Awaited.Count));
        Assert.Contains("opened with fewer nodes than 4 after waiting 40 s for them", Waiting.Says(standing), StringComparison.Ordinal);
        foreach (var node in new[] { "a", "b", "c" })
            standing = Decide(standing, Arrives(node), Start + rules.Wait).Standing;
        var next = Decide(standing,
            new FederationEvent.Aggregated(new() { Round = 1, Adapter = new() { Sha256 = "b", Bytes = 1 }, Record = "r" }),
            Start + rules.Wait).Standing;
        Assert.Equal(RoundState.Open, Look(next, Start + rules.Wait, "a", "b", "c").Round.State);
        Assert.Equal((RoundState.Open, 4),
            (Look(next, Start + rules.Wait, "a", "b", "c", "d").Round.State,
                Look(next, Start + rules.Wait, "a", "b", "c", "d").Round.Awaited.Count));
    }

    /// <summary>Of four that are there one holds another model, so that three can take part.</summary>
    [Fact]
    public void Who_is_left_out_is_not_here()
    {
        var rules = new CohortSpec { Size = 4, Quorum = 4, Wait = TimeSpan.FromSeconds(40) };
        var other = new Candidate(new() { NodeId = "d", Name = "d", Group = "", Profile = new() { ModelFingerprints = ["another"] } });
        var standing = Decide(Running(rules), new FederationEvent.Looked([.. Comes("a", "b", "c").Here, other], 4),
            Start + TimeSpan.FromHours(1)).Standing;
        Assert.Equal((RoundState.Sampling, "d"), (standing.Round.State, Assert.Single(standing.Round.Excluded).Name));
        var gate = new LookGate();
        var here = new NodesHere(presence => Eligibility.Refusal(standing.Definition, presence));
        foreach (var node in standing.Round.Excluded.Select(_ => other).Concat(Comes("a", "b").Here))
            here.Note(node.Presence, Start);
        Assert.Equal((2, 3), (here.Fit, here.Count));
        Assert.False(here.IsFit("d"));
        gate.Looked(here, standing, Start);
        Assert.False(gate.Opens(here, standing, Start));
    }

    /// <summary>
    /// Of nodes that say the same of themselves the first is looked at: who refuses, or is of another group, is not like it.
    /// </summary>
    [Fact]
    public void The_same_nodes_make_the_same_cohort_in_whatever_order_they_come()
    {
        var rules = new CohortSpec { Size = 3, Quorum = 3 };
        var profile = new NodeProfile { ModelFingerprints = [Running(rules).Definition.BaseModel.Fingerprint] };
        Candidate[] nodes = [.. Enumerable.Range(0, 8).Select(i => new Candidate(
            new() { NodeId = $"n{i}", Name = $"n{i}", Group = "", Profile = profile, Refused = i == 5 ? "it would rather not" : "" }))];
        var one = Decide(Running(rules), new FederationEvent.Looked(nodes, 8, InOrder: true), Start).Standing.Round;
        var other = Decide(Running(rules), new FederationEvent.Looked([.. nodes.Reverse()], 8), Start).Standing.Round;
        Assert.Equal((RoundState.Open, 3), (one.State, one.Awaited.Count));
        Assert.Equal(one.Awaited.Order(), other.Awaited.Order());
        Assert.Equal("n5", Assert.Single(one.Excluded).NodeId);
        Assert.Equal("n5", Assert.Single(other.Excluded).NodeId);
    }

    /// <summary>A site that has mended what failed starts its node again: that must not wait for a quarter of an hour.</summary>
    [Fact]
    public void A_node_that_was_started_anew_is_asked_at_once()
    {
        var standing = Decide(Running(Two), Comes(("a", "1"), ("b", "1")), Start).Standing;
        standing = Decide(standing, Arrives("b"), Start).Standing;
        standing = Decide(standing, new FederationEvent.NodeFailed("a", 1, "disk full"), Start).Standing;
        Assert.Equal(RoundState.Sampling, Decide(standing, Comes(("a", "1")), Start + TimeSpan.FromSeconds(1)).Standing.Round.State);
        Assert.Equal(RoundState.Sampling, Decide(standing, Comes(("a", "")), Start + TimeSpan.FromSeconds(1)).Standing.Round.State);
        standing = Decide(standing, Comes(("a", "2")), Start + TimeSpan.FromSeconds(1)).Standing;
        Assert.Equal(RoundState.Open, standing.Round.State);
        // It fails again: the second time counts as the second.
        standing = Decide(standing, new FederationEvent.NodeFailed("a", 1, "disk full"), Start + TimeSpan.FromSeconds(2)).Standing;
        Assert.Equal(RoundState.Sampling, Decide(standing, Comes(("a", "2")), Start + TimeSpan.FromSeconds(40)).Standing.Round.State);
    }

    private static FederationEvent.Looked Comes(params string[] nodes) => Comes([.. nodes.Select(id => (id, ""))]);

    private static FederationEvent.Looked Comes(params (string Id, string Start)[] nodes) => new(
        [.. nodes.Select(
            node =>
                new Candidate(
                    new()
                    {
                        NodeId = node.Id,
                        Name = node.Id,
                        Group = "",
                        Start = node.Start,
                        Profile = new() { ModelFingerprints = [WorldDefinition.Fingerprint] },
                    }))], null);

    private static Decision Decide(FederationStanding standing, FederationEvent @event, DateTimeOffset now) =>
        RoundDecisions.Decide(standing, @event, now);

    private static FederationStanding Running(CohortSpec rules) =>
        Decide(RoundDecisions.Create(WorldDefinition.Plain with { Cohort = rules }, new() { Sha256 = "first", Bytes = 1 }, [], Start),
            new FederationEvent.StartAsked(), Start).Standing;

    private static FederationStanding Open(CohortSpec rules, params string[] nodes) => Look(Running(rules), Start, nodes);

    private static FederationStanding Closed() =>
        Decide(Decide(Open(Two, "a", "b"), Arrives("a"), Start).Standing, Arrives("b"), Start).Standing;

    private static FederationStanding Look(FederationStanding standing, DateTimeOffset now, params string[] nodes) =>
        Decide(standing, Comes(nodes), now).Standing;

    private static FederationEvent.UpdateArrived Arrives(string node) =>
        new(new UpdateHeader
        {
            Federation = "demo",
            Round = 1,
            Attempt = 1,
            NodeId = node,
            Sha256 = $"of {node}",
            Bytes = 1000,
            ExampleCount = 10,
        });
}
