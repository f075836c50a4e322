using FedLora.Client.Hosting;
using FedLora.Client.Ledger;
using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;
using FedLora.Simulations.Nodes;
using FedLora.Simulations.Running;

namespace FedLora.Simulations.Tests.Running;

/// <summary>What simulated rounds spend is what the ledger of a real node would hold: each beginning of a training, whatever comes of
/// it.</summary>
public sealed class ChargeTests : IDisposable
{
    private static readonly PrivacySpec Terms = new() { NoiseMultiplier = 1.1, SamplingRate = 0.1, Delta = 1e-5, ClipNorm = 1 };
    private readonly SmallScenario _small = new();
    private readonly List<RoundOutcome> _rounds = [];
    private readonly Dictionary<(PrivacySpec Terms, int Times), double> _real = [];

    [Fact]
    public void Nodes_that_vanish_have_paid_though_no_round_came_of_it()
    {
        var simulator = Run(SmallScenario.Text("groups: { gone: { drop_out: 1 } }",
            federation: "  cohort: { size: 4, deadline_seconds: 60, max_repeats: 2, sampling_timeout_seconds: 600 }"), Terms);
        Assert.Equal((FederationState.Paused, 0), (simulator.Standing.State, simulator.Standing.RoundsDone));
        Assert.All(Enumerable.Range(0, 12), node => Assert.Equal(Real(Terms, 1), simulator.EpsilonOf(node), 1e-9));
        Assert.Equal(Real(Terms, 1), simulator.LargestEpsilon!.Value, 1e-9);
    }

    [Fact]
    public void Nodes_that_were_selected_for_nothing_have_paid_for_every_round()
    {
        var simulator = Run(SmallScenario.Text("groups: { slow: { share: 0.5, seconds_per_step: 1000 }, fast: { seconds_per_step: 0.1 } }",
            federation: "  cohort: { size: 6, over_select: 2, quorum: 2 }"), Terms);
        Assert.Equal(3, simulator.Standing.RoundsDone);
        Assert.DoesNotContain(_rounds.SelectMany(round => round.Work), work => work.Task.Group == "slow" && work.Result is not null);
        Assert.All(Enumerable.Range(0, 12), node => Assert.Equal(Real(Terms, 3), simulator.EpsilonOf(node), 1e-9));
    }

    [Fact]
    public void Nodes_that_give_up_have_paid()
    {
        var simulator = Run(SmallScenario.Text("groups: { frail: { failures: 1 } }", rounds: 1,
            federation: "  cohort: { size: 12, deadline_seconds: 60, max_repeats: 1, sampling_timeout_seconds: 60 }"), Terms);
        Assert.Equal(0, simulator.Standing.RoundsDone);
        Assert.All(Enumerable.Range(0, 12), node => Assert.True(simulator.EpsilonOf(node) >= Real(Terms, 1) - 1e-9));
    }

    [Fact]
    public void A_node_pays_for_every_start_and_for_three_at_most()
    {
        // Four steps of a second; what is cut short before the adapter is there has begun nothing.
        var simulator = Run(SmallScenario.Text("""
            groups: { g: { seconds_per_step: 1, latency: 0.1 } }
            outages: { a: { who: node-3, at: 2, for: 1 }, b: { who: node-4, at: 2, for: 1 }, c: { who: node-4, at: 4, for: 1 },
              d: { who: node-4, at: 6, for: 1 }, e: { who: node-5, at: 0.15, for: 1 } }
            """, rounds: 1, federation: "  cohort: { size: 12, quorum: 6 }"), Terms);
        Assert.Equal(1, simulator.Standing.RoundsDone);
        Assert.Equal([1, 1, 2, 3, 1, 1], Enumerable.Range(0, 6).Select(node =>
            Enumerable.Range(0, 5).Single(times => Math.Abs(Real(Terms, times) - simulator.EpsilonOf(node)) < 1e-9)));
        var vain = _rounds.Single().Work.Single(work => work.Task.Node == 3);
        Assert.Equal((WorkEnd.Failed, "round 1 was charged 3 times and never came to an update"), (vain.End, vain.Why));
    }

    [Fact]
    public void A_budget_is_spent_by_rounds_that_came_to_nothing_too()
    {
        var budget = new PrivacySpec { Epsilon = 3, SamplingRate = 0.1, Delta = 1e-5, ClipNorm = 1 };
        var simulator = Run(SmallScenario.Text("groups: { gone: { share: 0.5, drop_out: 1 }, here: { seconds_per_step: 0.1 } }",
            federation: "  cohort: { size: 12, quorum: 2, deadline_seconds: 60 }"), budget);
        Assert.Equal(3, simulator.Standing.RoundsDone);
        Assert.All(Enumerable.Range(0, 12), node => Assert.InRange(simulator.EpsilonOf(node), 2.9, 3));
    }

    public void Dispose() => _small.Dispose();

    private Simulator Run(string text, PrivacySpec terms)
    {
        var scenario = SmallScenario.Parse(text);
        using var setup = Setup.Of(scenario, _small.Folder, null, default);
        var definition = Private(setup.Definition, terms);
        var simulator = new Simulator(scenario.Definition, definition, setup.First,
            new Fleet(scenario.Definition, definition, setup.Fleet.Data), setup.Work, _rounds.Add, default);
        simulator.Run();
        return simulator;
    }

    private static FederationDefinition Private(FederationDefinition definition, PrivacySpec terms) => definition with { Privacy = terms };

    // A node's own ledger, charged so often.
    private double Real(PrivacySpec terms, int times)
    {
        if (times == 0)
            return 0;
        if (_real.TryGetValue((terms, times), out var known))
            return known;
        var state = Path.Combine(_small.Folder, $"ledger-{_real.Count}");
        using var ledger = NodeLedger.Open(
            new ClientOptions { Coordinator = "http://c", Name = "n", Model = "m", Data = "d.jsonl", State = state }, TimeProvider.System);
        var definition = Private(SmallScenario.Parse(SmallScenario.Text()).Federation.Definition, terms);
        return _real[(terms, times)] = Enumerable.Range(1, times)
            .Select(_ => ledger.Charge(definition, 1, [new byte[32]])!.EpsilonSpent).ToList()[^1];
    }
}
