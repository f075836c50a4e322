using FedLora.Federations.Cohorts;
using FedLora.Federations.Rounds;
using FedLora.Federations.Tests.Rounds;

namespace FedLora.Federations.Tests.Cohorts;

/// <summary>Who is there, and how often all of them are looked at.</summary>
public sealed class NodesHereTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Ten thousand nodes come one by one to a round that needs one more: n looks at n nodes would be 5 * 10^7.</summary>
    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public void Ten_thousand_nodes_that_come_one_by_one_are_looked_at_few_times(int nodes)
    {
        var definition = WorldDefinition.Plain with
        {
            Cohort = WorldDefinition.Plain.Cohort with { MinNodes = nodes },
            Privacy = new() { Epsilon = 3, NoiseMultiplier = 1.4, SamplingRate = 0.1 },
        };
        var standing = RoundDecisions.Decide(RoundDecisions.Create(definition, new() { Sha256 = "a", Bytes = 1 }, [], Start),
            new FederationEvent.StartAsked(), Start).Standing;
        var (here, gate, looked) = (new NodesHere(presence => Eligibility.Refusal(definition, presence)), new LookGate(), 0L);
        for (var i = 0; i < nodes && standing.Round.State == RoundState.Sampling; i++)
        {
            here.Note(Presence($"n{i}"), Start);
            if (!gate.Opens(here, standing, Start))
                continue;
            for (var asked = true; asked;)
            {
                var all = here.At(Start, 1).Select(seen => seen.Candidate).ToList();
                looked += all.Count;
                var decision = RoundDecisions.Decide(standing, new FederationEvent.Looked(all, nodes), Start);
                standing = decision.Standing;
                var ask = decision.Effects.OfType<FederationEffect.AskBudgets>().FirstOrDefault();
                foreach (var id in ask?.NodeIds ?? [])
                    here.Answer(id, "");
                asked = ask is not null;
            }

            gate.Looked(here, standing, Start);
        }

        Assert.Equal((RoundState.Open, nodes), (standing.Round.State, standing.Round.Awaited.Count));
        Assert.InRange(looked, nodes, nodes * 40L);
    }

    [Fact]
    public void Who_is_silent_for_too_long_is_gone_and_a_clock_set_back_makes_nobody_younger()
    {
        var here = new NodesHere(_ => "");
        here.Note(Presence("a"), Start);
        here.Note(Presence("b"), Start + TimeSpan.FromSeconds(60));
        Assert.Equal(2, here.Fit);
        here.Forget(Start + TimeSpan.FromSeconds(91));
        Assert.Null(here.Find("a"));
        // A day back: b was heard of 31 s ago, and not a day from now.
        var back = Start - TimeSpan.FromDays(1);
        here.Forget(back);
        Assert.Equal(1, here.Fit);
        here.Forget(back + TimeSpan.FromSeconds(60));
        Assert.Equal((0, 0), (here.Fit, here.Count));
    }

    [Fact]
    public void A_node_known_by_its_reports_alone_is_there()
    {
        var here = new NodesHere(_ => "");
        here.Heard(new() { NodeId = "a", Name = "a", Group = "" }, 3, Start);
        Assert.Equal((true, 1), (here.At(Start, 3)[0].Candidate.Working, here.Fit));
        Assert.False(here.At(Start, 4)[0].Candidate.Working);
        here.Answer("a", "spent");
        Assert.Equal(0, here.Fit);
        here.ForgetBudgets();
        Assert.Equal(1, here.Fit);
    }

    private static NodePresence Presence(string id) =>
        new() { NodeId = id, Name = id, Group = "", Profile = new() { ModelFingerprints = [WorldDefinition.Fingerprint] } };
}
