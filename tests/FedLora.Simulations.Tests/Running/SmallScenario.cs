using FedLora.Simulations.Data;
using FedLora.Simulations.Results;
using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;

namespace FedLora.Simulations.Tests.Running;

/// <summary>Scenarios that run in milliseconds: a linear classifier on made-up examples.</summary>
internal sealed class SmallScenario : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-simulation-");
    private int _runs;

    public string Folder => _folder.FullName;

    /// <param name="top">Further keys of the scenario.</param>
    /// <param name="federation">Further keys of the federation, two spaces in front.</param>
    public static string Text(string top = "", string method = "fedit", string federation = "", int nodes = 12, int rounds = 3) => $$"""
        nodes: {{nodes}}
        trainer: logistic
        data: { examples: 600, features: 10, split: { kind: dirichlet, alpha: 0.5 } }
        {{top}}
        federation:
          name: small
          method: {{method}}
          rounds: {{rounds}}
          task: { kind: classification, labels: [a, b, c] }
          lora: { rank: 2, target_modules: [score] }
          training: { local_steps: 4, batch_size: 8, optimizer: sgd, learning_rate: 0.5 }
        {{federation}}
        """;

    public static ScenarioFile Parse(string text) => ScenarioFile.Parse("scenario.yaml", text);

    public (RunSummary Summary, IReadOnlyList<ResultLine> Rounds, string Folder) Run(string text)
    {
        var folder = Path.Combine(Folder, (++_runs).ToString());
        var summary = SimulationRun.Run(Parse(text), folder, new Dictionary<string, string>(), new Quiet(), CancellationToken.None);
        return (summary, RunFolder.LinesOf(folder), folder);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    internal sealed class Quiet : IRunWatcher
    {
        public int Rounds { get; private set; }

        public void Ready(SplitSummary split, IReadOnlyList<string> remarks)
        {
        }

        public void Committed(ResultLine line, int rounds) => Rounds++;
    }
}
