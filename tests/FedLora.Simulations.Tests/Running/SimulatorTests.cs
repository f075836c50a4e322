using FedLora.Aggregation;
using FedLora.Simulations.Results;
using FedLora.Simulations.Running;

namespace FedLora.Simulations.Tests.Running;

public sealed class SimulatorTests : IDisposable
{
    private readonly SmallScenario _small = new();

    public static TheoryData<string> WithoutWeights =>
        [.. Methods.All.Where(method => !method.Traits.StartsFromWeights).Select(method => method.Name)];

    [Theory]
    [MemberData(nameof(WithoutWeights))]
    public void A_federation_of_every_method_learns(string method)
    {
        var (summary, rounds, _) = _small.Run(SmallScenario.Text(method: method, rounds: 8));
        Assert.Equal("finished", summary.State);
        Assert.Equal(8, rounds.Count);
        Assert.All(rounds, round => Assert.Equal(12, round.Updates));
        if (!Methods.Get(method).Traits.Personalised)
            Assert.True(rounds[^1].HeldOutLoss < rounds[0].HeldOutLoss,
                $"held-out loss {rounds[0].HeldOutLoss} to {rounds[^1].HeldOutLoss}");
    }

    [Theory]
    [InlineData("fedit", "  communication: { down: 0.5, up: 0.5, values: int8 }")]
    [InlineData("fedsvd", "  communication: { up: 0.5 }")]
    [InlineData("rolora", "  communication: { up: 0.1, error_feedback: true }")]
    [InlineData("fedit", "  communication: { server_optimizer: fedadam }")]
    [InlineData("flexlora", "  cohort: { size: 5 }")]
    public void The_same_seed_gives_the_same_bytes(string method, string federation)
    {
        var text = SmallScenario.Text("groups: { g: { stragglers: 0.3, drop_out: 0.1, seconds_per_step: \"lognormal(0.5, 1)\" } }", method,
            federation + "\n  cohort: { size: 5, quorum: 2, over_select: 1.5, deadline_seconds: 60 }");
        if (federation.Contains("cohort", StringComparison.Ordinal))
            text = SmallScenario.Text(method: method, federation: federation);
        var (one, other) = (_small.Run(text), _small.Run(text));
        foreach (var file in new[] { "results.jsonl", "nodes.jsonl", "results.csv", "run.json", "scenario.yaml" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(one.Folder, file)), File.ReadAllBytes(Path.Combine(other.Folder, file)));
        Assert.NotEqual(one.Rounds[^1].Adapter,
            _small.Run(text.Replace("nodes: 12", "nodes: 12\nseed: 2", StringComparison.Ordinal)).Rounds[^1].Adapter);
    }

    [Fact]
    public void What_error_feedback_leaves_lies_with_its_node_and_counts_once_it_is_delivered()
    {
        var with = _small.Run(SmallScenario.Text(federation: "  communication: { up: 0.1, error_feedback: true }"));
        var without = _small.Run(SmallScenario.Text(federation: "  communication: { up: 0.1 }"));
        Assert.Equal("finished", with.Summary.State);
        Assert.Equal(without.Rounds[0].Adapter, with.Rounds[0].Adapter);
        Assert.NotEqual(without.Rounds[^1].Adapter, with.Rounds[^1].Adapter);
        Assert.False(Directory.Exists("residual"));

        // Refused as too long: of no update it is known that the coordinator has it.
        Assert.Equal(12, Delivered(""));
        Assert.Equal(0, Delivered("max_update_norm: 0.000001, "));
    }

    private int Delivered(string limit)
    {
        var scenario = SmallScenario.Parse(SmallScenario.Text(rounds: 1, federation: "  communication: { up: 0.1, error_feedback: true }")
            .Replace("training: { ", "training: { " + limit, StringComparison.Ordinal));
        var scratch = Path.Combine(_small.Folder, $"nodes-{limit.Length}");
        using var setup = Setup.Of(scenario, scratch, null, default);
        new Simulator(scenario.Definition, setup.Definition, setup.First, setup.Fleet, setup.Work, _ => { }, default).Run();
        var files = Directory.EnumerateFiles(scratch, "*", SearchOption.AllDirectories).ToList();
        Assert.Equal(12, files.Count);
        return files.Count(file => !Path.GetFileName(file).StartsWith("waiting-", StringComparison.Ordinal));
    }

    [Fact]
    public void A_finished_run_is_run_again_where_a_file_of_its_folder_has_changed()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_small.Folder, "data")).FullName;
        foreach (var name in new[] { "a.jsonl", "b.csv" })
            File.WriteAllText(Path.Combine(folder, name), "text\nx\n");
        var scenario = SmallScenario.Parse(SmallScenario.Text().Replace("data: { ", $"data: {{ train: '{folder}', ",
            StringComparison.Ordinal));
        var found = new HashSet<string> { SimulationRun.IdentityOf(scenario) };
        File.WriteAllText(Path.Combine(folder, "b.csv"), "text\ny\n");
        Assert.True(found.Add(SimulationRun.IdentityOf(scenario)));
        File.Move(Path.Combine(folder, "b.csv"), Path.Combine(folder, "0.csv"));
        Assert.True(found.Add(SimulationRun.IdentityOf(scenario)));
        File.WriteAllText(Path.Combine(folder, "notes.txt"), "not data");
        Assert.False(found.Add(SimulationRun.IdentityOf(scenario)));
    }

    [Fact]
    public void A_finished_run_is_not_run_again()
    {
        var (summary, _, folder) = _small.Run(SmallScenario.Text());
        var watcher = new SmallScenario.Quiet();
        var again = SimulationRun.Run(SmallScenario.Parse(SmallScenario.Text()), folder, new Dictionary<string, string>(), watcher,
            default);
        Assert.Equal((summary.Identity, 0), (again.Identity, watcher.Rounds));
        SimulationRun.Run(SmallScenario.Parse(SmallScenario.Text(rounds: 2)), folder, new Dictionary<string, string>(), watcher, default);
        Assert.Equal(2, watcher.Rounds);
    }

    [Fact]
    public void A_round_lasts_as_long_as_its_slowest_wanted_node()
    {
        // 4 steps of 2 s, 1 s there and back; the bytes are too few to count.
        var (_, rounds, _) = _small.Run(SmallScenario.Text("groups: { g: { seconds_per_step: 2, latency: 0.5 } }"));
        Assert.All(rounds, round => Assert.InRange(round.Duration, 9.5, 9.6));
        Assert.Equal(rounds[^1].Seconds, rounds.Sum(round => round.Duration), 1e-6);
    }

    [Fact]
    public void The_deadline_closes_a_round_with_quorum_and_stragglers_are_lost()
    {
        var (summary, rounds, folder) = _small.Run(
            SmallScenario.Text("groups: { slow: { share: 0.25, seconds_per_step: 1000 }, fast: { seconds_per_step: 0.1 } }",
                federation: "  cohort: { quorum: 4, deadline_seconds: 100 }"));
        Assert.Equal("finished", summary.State);
        Assert.All(rounds, round => Assert.Equal((100, 9, 3), ((int)round.Duration, round.Updates, round.Lost)));
        Assert.All(RunFolder.NodesOf(folder).Where(node => node.Group == "slow"), node => Assert.Equal(WorkEnd.Missing, node.End));
    }

    [Fact]
    public void Without_quorum_the_round_is_repeated_and_then_the_federation_pauses_and_says_why()
    {
        var (summary, rounds, _) = _small.Run(
            SmallScenario.Text("groups: { gone: { drop_out: 1 } }",
                federation: "  cohort: { size: 4, deadline_seconds: 60, max_repeats: 2, sampling_timeout_seconds: 600 }"));
        Assert.Equal("paused", summary.State);
        Assert.Empty(rounds);
        Assert.Contains("0 of 4 needed updates at the deadline", summary.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_that_give_up_are_told_of_and_others_take_their_place()
    {
        var (summary, rounds, folder) = _small.Run(
            SmallScenario.Text("groups: { frail: { failures: 0.4 } }", federation: "  cohort: { size: 6, over_select: 2, quorum: 2 }"));
        Assert.Equal("finished", summary.State);
        var failed = RunFolder.NodesOf(folder).Where(node => node.End == WorkEnd.Failed).ToList();
        Assert.NotEmpty(failed);
        Assert.All(failed, node => Assert.Equal("it gave up", node.Why));
        Assert.All(rounds, round => Assert.InRange(round.Updates, 2, 6));
    }

    [Fact]
    public void An_outage_of_the_coordinator_delays_what_comes_in()
    {
        var calm = _small.Run(SmallScenario.Text("groups: { g: { seconds_per_step: 1 } }", rounds: 1)).Rounds[0];
        var (_, rounds, _) = _small.Run(
            SmallScenario.Text("groups: { g: { seconds_per_step: 1 } }\noutages: { night: { who: coordinator, at: 2, for: 100 } }",
                rounds: 1));
        Assert.Equal(102, rounds[0].Seconds, 1);
        Assert.Equal(calm.Adapter, rounds[0].Adapter);
    }

    [Fact]
    public void A_node_that_is_away_while_it_trains_begins_anew()
    {
        var (_, rounds, folder) = _small.Run(
            SmallScenario.Text("groups: { g: { seconds_per_step: 1, latency: 0 } }\noutages: { reboot: { who: node-3, at: 2, for: 10 } }",
                rounds: 1));
        Assert.InRange(rounds[0].Duration, 16, 16.1);
        Assert.InRange(RunFolder.NodesOf(folder).Single(node => node.Node == "node-03").Arrived!.Value, 16, 16.1);
    }

    [Fact]
    public void Who_is_not_there_is_not_sampled()
    {
        var (_, rounds, folder) = _small.Run(
            SmallScenario.Text("groups: { g: { availability: 0.5, availability_period: 1000000 } }", rounds: 2));
        var here = RunFolder.NodesOf(folder).Where(node => node.Round == 1).Select(node => node.Node).ToHashSet(StringComparer.Ordinal);
        Assert.InRange(here.Count, 1, 11);
        Assert.Equal(here.Count, rounds[0].Updates);
    }

    [Fact]
    public void Slow_links_get_the_densities_of_their_group()
    {
        var (_, _, folder) = _small.Run(
            SmallScenario.Text("groups: { slow: { share: 0.5, upload: 0.000001 }, fast: {} }",
                federation: "  communication: { groups: { slow: { up: 0.1 } } }", rounds: 1));
        var (slow, fast) = (Length("slow"), Length("fast"));
        Assert.True(slow > fast);

        double Length(string group) =>
            RunFolder.NodesOf(folder).Where(node => node.Group == group).Max(node => node.Arrived!.Value - node.Trained);
    }

    [Fact]
    public void An_idle_node_takes_less_than_a_kibibyte()
    {
        const int Nodes = 100_000;
        var text = SmallScenario.Text(federation: "  cohort: { size: 10 }", nodes: Nodes)
            .Replace("kind: dirichlet, alpha: 0.5", "per_node: 100", StringComparison.Ordinal);
        var scenario = SmallScenario.Parse(text);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var setup = Setup.Of(scenario, "", null, default);
        var simulator = new Simulator(scenario.Definition, setup.Definition, setup.First, setup.Fleet, setup.Work, _ => { }, default);
        simulator.Run();
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Nodes;
        GC.KeepAlive(simulator);
        Assert.Equal(3, simulator.Standing.RoundsDone);
        Assert.InRange(each, 1, 1024);
    }

    public void Dispose() => _small.Dispose();
}
