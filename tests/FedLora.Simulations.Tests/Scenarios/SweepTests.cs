using System.IO.Compression;
using System.Text;
using FedLora.Simulations.Results;
using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;
using FedLora.Simulations.Tests.Running;

namespace FedLora.Simulations.Tests.Scenarios;

public sealed class SweepTests : IDisposable
{
    private readonly SmallScenario _small = new();

    [Fact]
    public void Every_combination_is_a_run_of_its_own()
    {
        var runs = Sweep.Plan(Write("sweep:\n  federation.method: [fedit, flexlora]\n  data.split.alpha: [0.1, 10]\n  seed: [1, 2]\n"));
        Assert.Equal(8, runs.Count);
        Assert.Equal("method=fedit,alpha=0.1,seed=1", runs[0].Name);
        Assert.Equal(("flexlora", 10.0, 2ul),
            (runs[^1].Scenario.Federation.Definition.Method, runs[^1].Scenario.Definition.Data.Split.Alpha,
                runs[^1].Scenario.Definition.Seed));
        // The federation states no seed of its own, and so has the scenario's.
        Assert.Equal(2ul, runs[^1].Scenario.Federation.Definition.Seed);
        Assert.Equal(8, runs.Select(run => SimulationRun.IdentityOf(run.Scenario)).Distinct().Count());
    }

    [Fact]
    public void Keys_that_belong_together_change_together()
    {
        var runs = Sweep.Plan(
            Write("sweep:\n  federation.method & federation.training.learning_rate: [fedit & 0.1, flexlora & 0.3]\n  seed: [1, 2]\n"));
        Assert.Equal(4, runs.Count);
        Assert.Equal("method=fedit,learning_rate=0.1,seed=1", runs[0].Name);
        Assert.Equal(("flexlora", 0.3), (runs[2].Scenario.Federation.Definition.Method,
            runs[2].Scenario.Federation.Definition.Training.LearningRate));
    }

    [Fact]
    public void None_leaves_privacy_out()
    {
        var file = Path.Combine(_small.Folder, "private.yaml");
        File.WriteAllText(file,
            "nodes: 2\ndata: { train: x.jsonl }\nfederation: { name: x, base_model: m, method: fedit, rounds: 1, task: { kind: "
                + "causal-language-model }, lora: { target_modules: [q] }, "
                + "privacy: { epsilon: 3, sampling_rate: 0.1 } }\nsweep: { federation.privacy.epsilon: [8, none] }\n");
        Assert.Equal([8.0, null], Sweep.Plan(file).Select(run => run.Scenario.Federation.Definition.Privacy?.Epsilon));
    }

    [Theory]
    [InlineData("sweep: { federation.methd: [fedit] }", "sweep: with methd=fedit: unknown key 'federation.methd'")]
    [InlineData("sweep: { federation.lora.rank: [2, 0] }", "sweep: with rank=0:")]
    [InlineData("sweep: { seed & name: [1 & a, 2] }", "sweep.seed & name: '2' has 1 values for 2 keys")]
    [InlineData("sweep: { seed: [] }", "sweep.seed: expected a list of values")]
    [InlineData("sweep: { seed: [1, 2, 1] }", "sweep.seed: '1' is there twice")]
    [InlineData("sweep: { data.split.alpha: [0.5, 0.50] }", "sweep.data.split.alpha: '0.50' is there twice")]
    public void A_value_that_cannot_be_meant_is_refused_with_the_line_of_the_sweep(string sweep, string message)
    {
        var error = Assert.Throws<FedLoraException>(() => Sweep.Plan(Write(sweep)));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(", line 12: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Seeds_make_a_mean_with_its_interval_and_differences_are_taken_seed_by_seed()
    {
        var one = Runs("fedit", [0.5, 0.6, 0.7]);
        var row = Assert.Single(ComparisonRow.Of(one));
        Assert.Equal(("method=fedit", 3), (row.Name, row.Runs));
        // t(0.975; 2) = 4.302653, s = 0.1.
        Assert.Equal((0.6, 4.302653 * 0.1 / Math.Sqrt(3)), (row.Accuracy.Mean!.Value, row.Accuracy.Half!.Value),
            (a, b) => Math.Abs(a.Item1 - b.Item1) < 1e-9 && Math.Abs(a.Item2 - b.Item2) < 1e-6);
        var difference = Assert.Single(DifferenceRow.Of(one, Runs("fedsvd", [0.6, 0.7, 0.8])));
        Assert.True(difference.Paired);
        Assert.Equal(0.1, difference.Accuracy.Mean!.Value, 1e-9);
        Assert.Equal(0, difference.Accuracy.Half!.Value, 1e-9);
    }

    [Fact]
    public void A_line_of_options_makes_a_scenario_that_says_what_it_means()
    {
        var data = Path.Combine(_small.Folder, "mail.jsonl");
        File.WriteAllLines(data,
            Enumerable.Range(0, 100).Select(i => $$"""{"text":"t{{i}}","label":"{{(i % 2 == 0 ? "ham" : "it's spam")}}"}"""));
        var file = Path.Combine(_small.Folder, "quick.yaml");
        File.WriteAllText(file,
            new QuickScenario(data, "/models/m", 5, ["fedsvd", "ffa-lora"], ["3", "none"], 3) { Alpha = 0.3, BatchSize = 4 }
                .Write(default));
        var runs = Sweep.Plan(file);
        Assert.Equal(12, runs.Count);
        var (scenario, federation) = (runs[0].Scenario.Definition, runs[0].Scenario.Federation.Definition);
        Assert.Equal((5, SplitKind.Dirichlet, 0.3), (scenario.Nodes, scenario.Data.Split.Kind, scenario.Data.Split.Alpha));
        Assert.Equal(["ham", "it's spam"], federation.Task.Labels);
        Assert.Equal(4 / 18.0, federation.Privacy!.SamplingRate, 1e-6);
        Assert.Equal("epsilon-invalid",
            Assert.Throws<FedLoraException>(() => new QuickScenario(data, "m", 5, ["fedit"], ["three"], 1).Write(default)).Code);
    }

    [Fact]
    public void A_run_is_one_folder_below_that_of_all_whatever_its_values()
    {
        var path = string.Join('/', Enumerable.Repeat("a b,c=d", 40));
        var runs = Sweep.Plan(Write($"sweep:\n  data.train: ['x/y.jsonl', '../y', '{path}/1', '{path}/2']\n  seed: [1, 2]\n"));
        Assert.Equal(8, runs.Select(run => run.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal("train=x%2Fy.jsonl,seed=1", runs[0].Name);
        Assert.Equal("x/y.jsonl", runs[0].Values["data.train"]);
        foreach (var run in runs)
        {
            Assert.InRange(run.Name.Length, 1, 200);
            Assert.Equal(run.Name, Directory.CreateDirectory(Path.Combine(_small.Folder, "runs", run.Name)).Name);
            RunFolder.Begin(Path.Combine(_small.Folder, "runs", run.Name), run.Scenario).Dispose();
        }

        Assert.Equal(8, Directory.EnumerateDirectories(Path.Combine(_small.Folder, "runs")).Count());
    }

    [Theory]
    [InlineData("mail.csv")]
    [InlineData("mail.jsonl.gz")]
    [InlineData("mail.tsv.gz")]
    [InlineData("mail")]
    public void A_line_of_options_takes_data_of_every_format(string name)
    {
        var path = Path.Combine(_small.Folder, name);
        if (!Path.HasExtension(name))
        {
            Directory.CreateDirectory(path);
            WriteData(Path.Combine(path, "a.csv"), "ham");
            WriteData(Path.Combine(path, "b.jsonl.gz"), "spam");
        }
        else
        {
            WriteData(path, "ham", "spam");
        }

        var file = Path.Combine(_small.Folder, "quick.yaml");
        File.WriteAllText(file, new QuickScenario(path, "/models/m", 5, ["fedit"], [], 1).Write(default));
        Assert.Equal(["ham", "spam"], Sweep.Plan(file).Single().Scenario.Federation.Definition.Task.Labels);
    }

    private static void WriteData(string path, params string[] labels)
    {
        var separator = path.Contains(".csv", StringComparison.Ordinal) ? ',' : '\t';
        var isTable = !path.Contains(".jsonl", StringComparison.Ordinal);
        string[] lines = [.. labels.Select(label =>
            isTable ? $"a text{separator}{label}" : $"{{\"text\":\"a text\",\"label\":\"{label}\"}}")];
        using var file = File.Create(path);
        using var content = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionLevel.Fastest) : (Stream)file;
        content.Write(Encoding.UTF8.GetBytes(string.Join('\n', isTable ? [$"text{separator}label", .. lines] : lines) + "\n"));
    }

    [Fact]
    public void Every_preset_reads()
    {
        var preset = Preset.All.Single(preset => preset.Needs == PresetData.None);
        Assert.NotEmpty(Sweep.Plan(preset.Write(_small.Folder, _ => "", default)));
        // Without their data, which is not everywhere: what its file says is checked all the same.
        foreach (var file in Directory.EnumerateFiles(Path.Combine(FedLora.Tests.Fixtures.Repository, "simulations", "scenarios"),
            "*.yaml"))
        {
            Assert.Single(Preset.All, one => one.Name == Path.GetFileNameWithoutExtension(file));
            var seeds = Sweep.Plan(file).GroupBy(run => string.Join(',', run.Values.Where(value => value.Key != "seed")),
                run => run.Values["seed"]).ToList();
            Assert.True(seeds.Count > 1);
            Assert.All(seeds, each => Assert.Equal(["1", "2", "3"], each));
        }
    }

    public void Dispose() => _small.Dispose();

    private static List<RunSummary> Runs(string method, double[] accuracies) => [.. accuracies.Select((accuracy, i) => new RunSummary(
        "", "x", new Dictionary<string, string> { ["federation.method"] = method, ["seed"] = $"{i}" }, "finished", "",
        new(1, 1, 1, 1, 0, 0, [], []),
        new()
        {
            Round = 1,
            Attempt = 1,
            Seconds = 1,
            Duration = 1,
            Sampled = 1,
            Updates = 1,
            Lost = 0,
            BytesUp = 1,
            BytesDown = 1,
            BytesTotal = 2,
            Adapter = "",
            Accuracy = accuracy,
        }))];

    private string Write(string sweep)
    {
        var file = Path.Combine(_small.Folder, "scenario.yaml");
        File.WriteAllText(file, SmallScenario.Text() + sweep + "\n");
        return file;
    }
}
