using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Simulations.Data;
using FedLora.Simulations.Results;
using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;
using FedLora.Training.Libtorch;
using FedLora.Training.Preparation;

namespace FedLora.Server.Tests;

/// <summary>The same federation both ways: a coordinator with daemons over gRPC, and simulated; the same adapters, byte for byte.</summary>
public sealed class SimulatedTwinTests(TinySites sites) : IClassFixture<TinySites>
{
    [Theory]
    [InlineData("fedit", "")]
    [InlineData("fedsvd", "")]
    [InlineData("flora", "")]
    [InlineData("rolora", "  communication: { down: 0.25, up: 0.25, values: int8, error_feedback: true }")]
    public async Task Simulated_and_real_give_the_same_adapters(string method, string communication)
    {
        // One file with all sites' lines, dealt out again by its field.
        await using var bench = await Bench.StartAsync();
        var all = Path.Combine(bench.Scratch("data"), "all.jsonl");
        Directory.CreateDirectory(Path.GetDirectoryName(all)!);
        await File.WriteAllLinesAsync(all,
            Enumerable.Range(0, 3)
                .SelectMany(
                    site => File.ReadLines(sites.DataOf(site))
                        .Select(line => line.Replace("{", $"{{\"site\":\"{site}\",", StringComparison.Ordinal))));
        var scenario = ScenarioFile.Parse(Path.Combine(bench.Scratch("x"), "scenario.yaml"), Text(method, communication, all));
        var prepared = FederationPreparation.Prepare(scenario.Federation.Definition, sites.Model, null, default);

        LibtorchLoader.UseThreads(scenario.Definition.Threads);
        using var end = new CancellationTokenSource();
        var token = await bench.TokenAsync(3);
        // The field's values are dealt largest first: nodes 1, 2, 3 of the simulation are sites 2, 1, 0.
        int[] order = [2, 1, 0];
        var trainers = order.Select(site => sites.Trainer(site, "")).ToArray();
        var nodes = order.Select((site, i) => bench.RunNodeAsync($"node-{i + 1}", token, trainers[i], end.Token, "", sites.DataOf(site)))
            .ToArray();
        await bench.StartFederationAsync(prepared.Definition.ToWire(layout: true), prepared.InitialAdapter);
        var view = await bench.UntilAsync(seen => seen.State is FederationState.Finished or FederationState.Paused);
        Assert.True(view.State == FederationState.Finished, view.Reason);
        var enrolled = await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default));
        await end.CancelAsync();
        await Task.WhenAll(nodes);
        Array.ForEach(trainers, trainer => trainer.Dispose());

        var names = order.Select((_, i) => (enrolled.Nodes.Single(node => node.Name == $"node-{i + 1}").NodeId, $"node-{i + 1}")).ToList();
        var folder = bench.Scratch("simulated");
        SimulationRun.Run(scenario, folder, "", new Dictionary<string, string>(), names, new Silent(), default);
        Assert.Equal(view.Rounds.Select(round => round.AdapterSha256), RunFolder.LinesOf(folder).Select(round => round.Adapter));
    }

    [Fact]
    public void Nodes_that_train_together_make_what_they_make_one_after_another()
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-together-");
        try
        {
            var text = Text("fedit", "", sites.DataOf(2))
                .Replace("{ kind: field, field: site }", "{ kind: identical }", StringComparison.Ordinal)
                .Replace("learning_rate: 0.01", "optimizer: sgd, learning_rate: 0.01", StringComparison.Ordinal);
            var adapters = new[] { ("alone", "1"), ("together", "0"), ("again", "0") }.Select(run =>
            {
                var scenario = ScenarioFile.Parse(Path.Combine(folder.FullName, "scenario.yaml"),
                    text.Replace("nodes_together: 1", $"nodes_together: {run.Item2}", StringComparison.Ordinal));
                var path = Path.Combine(folder.FullName, run.Item1);
                SimulationRun.Run(scenario, path, new Dictionary<string, string>(), new Silent(), default);
                return Adapters.AdapterState.Load(Path.Combine(path, "adapter", "adapter_model.safetensors"));
            }).ToList();
            Assert.Equal(adapters[1].Hash, adapters[2].Hash);
            foreach (var tensor in adapters[0])
            {
                var tolerance = 1e-5 * Math.Max(tensor.Values.Max(Math.Abs), 1e-3);
                Assert.All(tensor.Values.Zip(adapters[1][tensor.Name].Values), pair => Assert.Equal(pair.First, pair.Second, tolerance));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Private_rounds_are_repeatable_and_keep_their_budget()
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-private-twin-");
        try
        {
            var scenario = ScenarioFile.Parse(Path.Combine(folder.FullName, "scenario.yaml"),
                Text("fedsvd", "  privacy: { epsilon: 3, sampling_rate: 0.3 }", sites.DataOf(2))
                    .Replace("{ kind: field, field: site }", "{ kind: identical }", StringComparison.Ordinal));
            var runs = new[] { "one", "other" }.Select(name =>
            {
                SimulationRun.Run(scenario, Path.Combine(folder.FullName, name), new Dictionary<string, string>(), new Silent(), default);
                return RunFolder.LinesOf(Path.Combine(folder.FullName, name));
            }).ToList();
            Assert.Equal(runs[0], runs[1]);
            Assert.InRange(runs[0][^1].Epsilon!.Value, 2, 3);
            Assert.True(runs[0][0].Epsilon < runs[0][^1].Epsilon);
            Assert.All(runs[0], round => Assert.Null(round.Loss));
            foreach (var file in new[] { "README.md", "fedlora.json" })
            {
                var said = File.ReadAllText(Directory.EnumerateFiles(folder.FullName, file, SearchOption.AllDirectories).First());
                Assert.Contains("protects nobody", said, StringComparison.Ordinal);
                Assert.DoesNotContain("Trained with differential privacy", said, StringComparison.Ordinal);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private string Text(string method, string communication, string data) => $$"""
        nodes: 3
        nodes_together: 1
        data: { train: '{{data}}', held_out: '{{sites.HeldOut}}', split: { kind: field, field: site } }
        federation:
          name: test
          base_model: '{{sites.Model}}'
          method: {{method}}
          rounds: 3
          seed: 5
          task: { kind: classification, labels: [ham, spam] }
          lora: { rank: 4, alpha: 8, target_modules: [query, value] }
          training: { local_steps: 3, batch_size: 4, learning_rate: 0.01, max_tokens: 12, dtype: f32 }
          cohort: { size: 3, min_nodes: 3, deadline_seconds: 300 }
        {{communication}}
        """;

    private sealed class Silent : IRunWatcher
    {
        public void Ready(SplitSummary split, IReadOnlyList<string> remarks)
        {
        }

        public void Committed(ResultLine line, int rounds)
        {
        }
    }
}
