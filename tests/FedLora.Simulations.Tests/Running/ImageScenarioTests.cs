using System.Text.Json;
using FedLora.Adapters;
using FedLora.Simulations.Pretraining.Images;
using FedLora.Simulations.Results;
using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;
using FedLora.Training.Data;
using FedLora.Training.Data.Images;
using FedLora.Training.Running;

namespace FedLora.Simulations.Tests.Running;

/// <summary>A base model of images is made, and nodes whose images look otherwise adapt it, in seconds.</summary>
public sealed class ImageScenarioTests : IDisposable
{
    private const int Side = 8;
    private static readonly VitShape Shape = new(Side, Patch: 4, Layers: 1, Width: 16, Heads: 2, Inner: 32, Classes: 2);
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-image-scenario-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("privacy: { epsilon: 8, sampling_rate: 0.5 }")]
    public void Sites_of_other_images_adapt_a_base_model_that_was_made_for_them(string privacy)
    {
        var (model, upright, inverted) = (Path.Combine(_folder, "model"), Data("upright", value => value),
            Data("inverted", value => (byte)(255 - value)));
        var curve = new ImagePretrainer().Run(model, upright, 150, Shape, new ImagePretrainingSettings(200, 16, 3e-3), null,
            CancellationToken.None);
        Assert.True(curve[^1].Loss < 0.1, $"loss {curve[^1].Loss}");
        Assert.True(Score(model, null, upright) > 0.95);
        var before = Score(model, null, inverted);
        Assert.True(before < 0.5, $"{before}");
        var (summary, last) = Run(model, inverted, privacy);
        Assert.Equal("finished", summary.State);
        Assert.Equal(4, last.Round);
        Assert.Equal(privacy.Length > 0, last.Epsilon > 0);
        if (privacy.Length == 0)
            Assert.True(last.Accuracy > 0.9, $"{last.Accuracy}");
        // The adapter says what it is of, without being told.
        var adapter = Path.Combine(_folder, "run", "adapter");
        Assert.Null(PeftFolder.Read(adapter).Config.TaskType);
        Assert.True(PeftFolder.Read(adapter).Use!.OfImages);
        Assert.Contains("AutoModelForImageClassification", File.ReadAllText(Path.Combine(adapter, "README.md")), StringComparison.Ordinal);
        Assert.Equal(last.Accuracy!.Value, Score(model, adapter, inverted), 0.11);
    }

    private (RunSummary Summary, ResultLine Last) Run(string model, string data, string privacy)
    {
        var scenario = ScenarioFile.Parse(Path.Combine(_folder, "scenario.yaml"), $$"""
            nodes: 3
            data: { train: '{{data}}', held_out_share: 0.3, split: { kind: field, field: site } }
            federation:
              name: images
              base_model: '{{model}}'
              method: fedit
              rounds: 4
              task: { kind: classification, labels: ["0", "1"] }
              lora: { rank: 2, target_modules: [q_proj, v_proj] }
              training: { local_steps: 10, batch_size: 16, learning_rate: 0.01 }
              {{privacy}}
            """);
        var summary = SimulationRun.Run(scenario, Path.Combine(_folder, "run"), new Dictionary<string, string>(),
            new SmallScenario.Quiet(), CancellationToken.None);
        return (summary, summary.Last!);
    }

    private static double Score(string model, string? adapter, string data)
    {
        using var loaded = AdaptedModel.Load(model, adapter, new());
        var set = DataSet.Load(data, new DataSettings(TextTask.SequenceClassification, 0, ["0", "1"]), ModelInput.Load(model),
            CancellationToken.None);
        return Evaluator.Run(loaded.Base.Transformer, set.Examples).Accuracy;
    }

    // Light above is 0, light below is 1.
    private string Data(string name, Func<byte, byte> change)
    {
        var (random, path) = (new Random(3), Path.Combine(_folder, $"{name}.jsonl"));
        File.WriteAllLines(path, Enumerable.Range(0, 150).Select(i =>
        {
            var pixels = new byte[Side * Side];
            random.NextBytes(pixels);
            for (var place = 0; place < pixels.Length; place++)
                pixels[place] = change((byte)((pixels[place] / 4) + ((place < pixels.Length / 2) == (i % 2 == 0) ? 190 : 0)));
            return JsonSerializer.Serialize(new { image = Netpbm.Grey(Side, Side, pixels), label = $"{i % 2}", site = i % 3 });
        }));
        return path;
    }
}
