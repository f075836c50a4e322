using System.CommandLine;
using System.Diagnostics;
using FedLora.Cli;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;

namespace FedLora.Benchmarks.Simulate;

/// <summary>
/// <c>fedlora bench simulate</c>: virtual clients a second, 100 of them in every round, what an idle node takes, and what LoRA costs over
/// the bare engine.
/// </summary>
internal static class BenchSimulateCommand
{
    private const int Cohort = 100;
    private const int ManyNodes = 100_000;

    // A LoRA pair of 1600 x 1600 at rank 8 is 25,600 numbers, 102,400 bytes.
    private const string Trivial = "trainer: trivial\nmeasure_error: false\ndata: { examples: 1000, split: { per_node: 100 } }";
    private const string Logistic =
        "trainer: logistic\nmeasure_error: false\nevaluate_every: 0\ndata: { examples: 10000, features: 50, split: { per_node: 100 } }";

    public static Command Create()
    {
        var rounds = new Option<int>("--rounds") { Description = "Rounds of 100 clients that are timed.", DefaultValueFactory = _ => 200 };
        var nodes = new Option<int>("--nodes") { Description = "Registered nodes.", DefaultValueFactory = _ => 10_000 };
        var only = new Option<string>("--case") { Description = "The one row to measure, e.g. logistic." };
        return new Command("simulate",
            "Virtual clients a second (trivial, logistic regression, LoRA beside the bare engine), and memory per idle node.")
        {
            rounds,
            nodes,
            only,
        }
            .Writes(typeof(BenchJson)).Runs((parsed, output, cancellationToken) =>
            {
                var (count, registered) = (parsed.GetValue(rounds), parsed.GetValue(nodes));
                var warm = Math.Max(5, count / 10);
                (string Name, Func<IReadOnlyList<BenchRow>> Measure)[] cases =
                [
                    Case("trivial-100kB", "clients/s", () => Warm(Trivial, 8, registered, warm, count, cancellationToken)),
                    Case("logistic", "clients/s", () => Warm(Logistic, 1, registered, warm, count, cancellationToken)),
                    Case("logistic-100000", "clients/s", () => Warm(Logistic, 1, ManyNodes, warm, warm, cancellationToken)),
                    Case("idle-node", "B", () => BytesPerNode(cancellationToken)),
                    ("lora", () => OverheadCase.Run(ModelFolder(), 2, cancellationToken)),
                ];
                var chosen = parsed.GetValue(only) is not { } name ? cases
                    : Array.FindAll(cases, one => one.Name == name) is { Length: 1 } found ? found
                    : throw new UsageException($"there is no case '{name}'{Nearest.Question(name, cases.Select(one => one.Name))}",
                        $"They are {string.Join(", ", cases.Select(one => one.Name))}.");
                var rows = new List<BenchRow>();
                foreach (var (row, measure) in chosen)
                {
                    output.Remark($"{row} ...");
                    rows.AddRange(measure());
                }

                BenchReport.Write(output, rows);
                return Task.CompletedTask;
            });
    }

    private static (string Name, Func<IReadOnlyList<BenchRow>> Measure) Case(string name, string unit, Func<double> measure) =>
        (name, () => [new BenchRow(name, measure(), unit)]);

    // The demo's: the benchmarks lie in the repository.
    private static string ModelFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FedLora.sln")))
            folder = folder.Parent;
        return Path.Combine(folder?.FullName ?? ".", "simulations", "models", "mail-encoder");
    }

    // Compiled and cached first: a simulation lasts longer than its first rounds.
    private static double Warm(string trainer, int rank, int nodes, int warm, int rounds, CancellationToken cancellationToken)
    {
        Rate(trainer, rank, nodes, warm, cancellationToken);
        return Rate(trainer, rank, nodes, rounds, cancellationToken);
    }

    private static double Rate(string trainer, int rank, int nodes, int rounds, CancellationToken cancellationToken)
    {
        var scenario = Scenario(trainer, rank, nodes, rounds);
        using var setup = Setup.Of(scenario, "", null, cancellationToken);
        var updates = 0L;
        var simulator = new Simulator(scenario.Definition, setup.Definition, setup.First, setup.Fleet, setup.Work,
            outcome => updates += outcome.Summary.Updates, cancellationToken);
        var started = Stopwatch.GetTimestamp();
        simulator.Run();
        return updates / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static double BytesPerNode(CancellationToken cancellationToken)
    {
        using var few = Setup.Of(Scenario(Logistic, 1, Cohort, 1), "", null, cancellationToken);
        var before = Resident();
        var scenario = Scenario(Logistic, 1, ManyNodes, 3);
        using var many = Setup.Of(scenario, "", null, cancellationToken);
        var simulator = new Simulator(scenario.Definition, many.Definition, many.First, many.Fleet, many.Work, _ => { }, cancellationToken);
        simulator.Run();
        var each = (double)(Resident() - before) / ManyNodes;
        GC.KeepAlive(simulator);
        return each;
    }

    private static long Resident()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static ScenarioFile Scenario(string trainer, int rank, int nodes, int rounds) => ScenarioFile.Parse("bench.yaml", $$"""
        nodes: {{nodes}}
        {{trainer}}
        federation:
          name: bench
          method: fedit
          rounds: {{rounds}}
          task: { kind: classification, labels: [a, b] }
          lora: { rank: {{rank}}, target_modules: [score] }
          training: { local_steps: 10, batch_size: 10, optimizer: sgd, learning_rate: 0.1 }
          cohort: { size: {{Cohort}} }
        """);
}
