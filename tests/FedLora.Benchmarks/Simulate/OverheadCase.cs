using System.Diagnostics;
using System.Text.Json;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;
using FedLora.Training.Data;
using FedLora.Training.Libtorch;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Benchmarks.Simulate;

/// <summary>
/// What a simulation costs over the bare training engine: some nodes' rounds of LoRA on the demo's base model and made-up texts, simulated
/// one after another, simulated as many at once as their steps ask for, and by the engine alone. The three take turns.
/// </summary>
internal static class OverheadCase
{
    private const int Nodes = 8;
    private const int Rounds = 3;
    private const int Batch = 8;
    private const int Texts = 640;
    private const int Words = 40;

    public static IReadOnlyList<BenchRow> Run(string modelFolder, int passes, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-bench-").FullName;
        try
        {
            var data = Path.Combine(folder, "texts.jsonl");
            File.WriteAllLines(data, MadeUp());
            double alone = 0, together = 0, bare = 0;
            for (var pass = 0; pass <= passes; pass++)
            {
                var one = Simulated(modelFolder, data, 1, cancellationToken);
                var several = Simulated(modelFolder, data, 0, cancellationToken);
                var engine = Engine(modelFolder, data, cancellationToken);
                // The first turn of each side makes things ready.
                if (pass > 0)
                    (alone, together, bare) = (alone + one, together + several, bare + engine);
            }

            var clients = (double)passes * Nodes * Rounds;
            return
            [
                new("lora", clients / alone, "clients/s", $"bare engine, {clients / bare:0.00} clients/s", bare / alone),
                new("lora-together", clients / together, "clients/s", $"bare engine, {clients / bare:0.00} clients/s",
                    bare / together),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Simulated(string modelFolder, string data, int together, CancellationToken cancellationToken)
    {
        var scenario = Scenario(modelFolder, data, together);
        using var setup = Setup.Of(scenario, Path.GetDirectoryName(data)!, null, cancellationToken);
        var simulator = new Simulator(scenario.Definition, setup.Definition, setup.First, setup.Fleet, setup.Work, _ => { },
            cancellationToken);
        return Seconds(simulator.Run);
    }

    private static double Engine(string modelFolder, string data, CancellationToken cancellationToken)
    {
        using var setup = Setup.Of(Scenario(modelFolder, data, 1), Path.GetDirectoryName(data)!, null, cancellationToken);
        using var model = BaseModel.Load(modelFolder, DefinitionSettings.Load(setup.Definition));
        var all = new NodeData(data, modelFolder, skipBadLines: false).Read(setup.Definition, cancellationToken).Data.Examples;
        LibtorchLoader.UseThreads(1);
        var nodes = Enumerable.Range(0, Nodes).Select(node => (IReadOnlyList<Example>)[.. setup.Fleet.Data.Of(node).Select(i => all[i])])
            .ToList();
        var method = Methods.Get(setup.Definition.Method);
        var task = new LocalTask(new NodeStart(setup.First, setup.Definition.ToLayout()),
            method.Trained(1, setup.Definition.ToMethodOptions()), setup.Definition.Training);
        return Seconds(() =>
        {
            for (var round = 1; round <= Rounds; round++)
            {
                foreach (var (node, examples) in nodes.Index())
                    LocalTraining.Run(model, task with { Seed = (ulong)((round * Nodes) + node) }, examples,
                        cancellationToken: cancellationToken);
            }
        });
    }

    private static double Seconds(Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static IEnumerable<string> MadeUp()
    {
        string[] words = ["free", "meeting", "offer", "list", "money", "server", "click", "patch", "winner", "agenda", "now", "report"];
        var random = new Random(1);
        return Enumerable.Range(0, Texts).Select(i => JsonSerializer.Serialize(new
        {
            text = string.Join(' ', Enumerable.Range(0, Words).Select(_ => words[random.Next(words.Length)])),
            label = i % 2 == 0 ? "ham" : "spam",
        }));
    }

    private static ScenarioFile Scenario(string modelFolder, string data, int together) => ScenarioFile.Parse("bench.yaml", $$"""
        nodes: {{Nodes}}
        nodes_together: {{together}}
        evaluate_every: 0
        data: { train: '{{data}}', held_out_share: 0 }
        federation:
          name: bench
          base_model: '{{modelFolder}}'
          method: fedit
          rounds: {{Rounds}}
          task: { kind: classification, labels: [ham, spam] }
          lora: { rank: 8, target_modules: [query, value] }
          training: { local_steps: 8, batch_size: {{Batch}}, learning_rate: 0.001, max_tokens: 64 }
        """);
}
