using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;
using FedLora.Simulations.Tests.Running;

namespace FedLora.Simulations.Tests.Scenarios;

public sealed class ScenarioFileTests
{
    [Fact]
    public void What_is_explained_reads_to_the_same()
    {
        var scenario = SmallScenario.Parse(
            SmallScenario.Text("groups: { g: { download: \"uniform(1, 2)\" } }\nname: it", federation: "  cohort: { size: 3 }"));
        var once = Explain(scenario);
        Assert.Contains("download: uniform(1, 2)", once, StringComparison.Ordinal);
        Assert.Equal(once, Explain(SmallScenario.Parse(once)));
    }

    [Fact]
    public void A_federation_lies_in_a_file_of_its_own_unchanged()
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-scenario-");
        try
        {
            var federation = Path.Combine(folder.FullName, "federation.yaml");
            File.WriteAllText(federation,
                "name: mail\nmethod: fedit\nrounds: 2\ntask: { kind: classification, labels: [a, b] }\nlora: { target_modules: [score] "
                    + "}\ncohort: { size: 9 }\n");
            var file = Path.Combine(folder.FullName, "scenario.yaml");
            File.WriteAllText(file, "nodes: 10\ntrainer: logistic\nfederation: federation.yaml\n");
            Assert.Equal("mail", ScenarioFile.Load(file).Federation.Definition.Name);
            File.WriteAllText(file, "nodes: 8\ntrainer: logistic\nfederation: federation.yaml\n");
            Assert.Contains($"{federation}, line 6: cohort.size: 9 nodes are asked for, and the scenario has 8",
                Refusal(() => ScenarioFile.Load(file)), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("nods: 3", "scenario.yaml, line 4: unknown key 'nods'", "did you mean 'nodes'?")]
    [InlineData("evaluate_every: -1", "line 4: evaluate_every: '-1' is not allowed", "at least 0")]
    [InlineData("groups: { a: { share: 0.7 }, b: { share: 0.7 } }", "line 4: groups: it must be shares that add up to 1", "1.4")]
    [InlineData("groups: { a: { download: normal(1) } }", "line 4: groups.a.download: 'normal' is not a distribution", "lognormal")]
    [InlineData("groups: { a: { download: \"uniform(3, 1)\" } }", "line 4: groups.a.download", "least before the largest")]
    [InlineData("groups: { a: { drop_out: 1.5 } }", "line 4: groups.a.drop_out: '1.5' is not allowed", "0 to 1")]
    [InlineData("outages: { x: { who: cordinator, at: 1, for: 1 } }", "line 4: outages.x.who", "did you mean 'coordinator'?")]
    [InlineData("outages: { x: { who: node-13, at: 1, for: 1 } }", "line 4: outages.x.who", "node-1 to node-12")]
    [InlineData("sweep: { seed: [1, 2] }", "line 4: sweep", "no sweep of its own")]
    public void What_cannot_be_meant_is_refused_with_its_line(string line, string where, string also)
    {
        var message = Refusal(() => SmallScenario.Parse(SmallScenario.Text(line)));
        Assert.Contains(where, message, StringComparison.Ordinal);
        Assert.Contains(also, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fedit", "  cohort: { quorum: 13 }", "line 12: federation.cohort.quorum: 13 nodes are asked for, and the scenario has 12")]
    [InlineData("ffa-lora", "  privacy: { epsilon: 3, sampling_rate: 0.1 }", "line 12: federation.privacy: it must be left out")]
    [InlineData("fedit", "  communication: { groups: { slow: { up: 0.1 } } }",
        "line 12: federation.communication.groups.slow: the scenario has no group 'slow'")]
    public void What_federation_and_scenario_say_against_each_other_is_refused(string method, string federation, string where) =>
        Assert.Contains(where, Refusal(() => SmallScenario.Parse(SmallScenario.Text(method: method, federation: federation))),
            StringComparison.Ordinal);

    [Fact]
    public void A_rank_that_the_method_cannot_mix_is_refused_with_its_line()
    {
        var text = SmallScenario.Text("groups: { small: {} }")
            .Replace("lora: { rank: 2,", "lora: { rank: 2, rank_groups: { small: 1 },", StringComparison.Ordinal);
        Assert.Contains("line 10: federation.lora.rank_groups: method 'fedit' cannot mix ranks; those that can: flexlora",
            Refusal(() => SmallScenario.Parse(text)), StringComparison.Ordinal);
    }

    [Fact]
    public void More_nodes_than_examples_are_refused_with_the_line()
    {
        using var small = new SmallScenario();
        Assert.Contains("line 1: nodes: 601 nodes cannot share 600 examples", Refusal(() => small.Run(SmallScenario.Text(nodes: 601))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void More_memory_than_there_is_is_refused_with_the_line_of_what_takes_it()
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-scenario-");
        try
        {
            var text =
                $"nodes: 1000000\ndata: {{ train: {folder.FullName}/none.jsonl }}\nfederation: {{ name: x, base_model: ., method: fedit, "
                    + $"rounds: 1, task: {{ kind: causal-language-model }}, lora: {{ target_modules: [q] }} }}\n";
            Assert.Contains("line 1: nodes: the scenario needs about", Refusal(() => Memory.Require(SmallScenario.Parse(text), 100 << 20)),
                StringComparison.Ordinal);
            Memory.Require(SmallScenario.Parse(text), 2L << 30);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Explain(ScenarioFile scenario)
    {
        using var text = new StringWriter { NewLine = "\n" };
        scenario.Explain(text);
        return text.ToString();
    }

    private static string Refusal(Action act) => Assert.Throws<FedLoraException>(act).Message;
}
