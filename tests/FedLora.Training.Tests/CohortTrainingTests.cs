using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Tests;
using FedLora.Training.Models;
using FedLora.Training.Privacy;
using FedLora.Training.Running;
using FedLora.Training.Tests.Models;
using TorchSharp;

namespace FedLora.Training.Tests;

/// <summary>Several nodes through the base model at once: what each would have trained alone.</summary>
[Trait("Category", "Fixtures")]
public sealed class CohortTrainingTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Models =>
        [.. ModelFixture.Names.Where(name => Directory.Exists(Fixtures.PathOf("models", name, "adapter")))];

    [Theory]
    [MemberData(nameof(Models))]
    public void Together_as_one_after_another(string name) => Compare(name, (task, _) => task);

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    [InlineData("bert-classify")]
    public void With_dropout_too(string name) => Compare(name, (task, _) => task with { Dropout = 0.2 });

    /// <summary>
    /// Per-example clipping is each example's own matter. Noise and samples cannot be compared, so there is none and all are taken.
    /// </summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void With_privacy_too(string name) =>
        Compare(name, (task, _) => task with { Privacy = new PrivateTerms(1, 1, 0.05).WithoutNoise() });

    /// <summary>Nodes that differ in how long they train and in how much fits at once.</summary>
    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    [InlineData("bert-classify")]
    public void Uneven_nodes_and_small_passes(string name) =>
        Compare(name, (task, i) => task with { Training = task.Training with { LocalSteps = 1 + (2 * i), BatchSize = 1 + i } },
            rowsAtOnce: 16);

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void Products_of_three_factors(string name)
    {
        using var fixture = new ModelFixture(name);
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var layout = fixture.Model.LayoutFor(adapter.Config);
        var method = Methods.Get("fed-sb");
        var start = method.Start(method.Initialize(layout, new MethodOptions(), 3, fixture.Model), null,
            new NodeTerms(layout, new MethodOptions(), 1, 3, 0));
        var task = new LocalTask(start, Factors.R, Training);
        Compare(fixture, [.. Enumerable.Range(0, 3).Select(i => new CohortNode(task with { Seed = (ulong)i }, fixture.Examples))], 4096);
    }

    /// <summary>Where the model's weights are narrow, a head that is trained is not.</summary>
    [FixtureTheory("models", "model.safetensors")]
    [InlineData("bert-classify")]
    public void With_narrow_weights_too(string name)
    {
        using var fixture = new ModelFixture(name);
        using var model = BaseModel.Load(fixture.Folder, new LoadOptions { Compute = ComputeType.BF16 });
        var nodes = Nodes(fixture, (task, _) => task with { Training = task.Training with { LocalSteps = 1 } });
        foreach (var (node, mine) in nodes.Zip(CohortTraining.Run(model, nodes)))
        {
            var alone = LocalTraining.Run(model, node.Task, node.Examples);
            Assert.Equal(alone.Summary.MeanLoss, mine.Summary.MeanLoss, 0.02 * alone.Summary.MeanLoss);
            Assert.Contains(mine.Trained, tensor => tensor.Name.Contains("classifier", StringComparison.Ordinal));
        }
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("bert-classify")]
    [InlineData("llama")]
    public void No_tensor_outlives_the_cohort(string name)
    {
        using var fixture = new ModelFixture(name);
        var nodes = Nodes(fixture, (task, _) => task);
        CohortTraining.Run(fixture.Model, nodes);
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        CohortTraining.Run(fixture.Model, nodes);
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    private static void Compare(string name, Func<LocalTask, int, LocalTask> change, int rowsAtOnce = 4096)
    {
        using var fixture = new ModelFixture(name);
        Compare(fixture, Nodes(fixture, change), rowsAtOnce);
    }

    private static void Compare(ModelFixture fixture, CohortNode[] nodes, int rowsAtOnce)
    {
        var together = CohortTraining.Run(fixture.Model, nodes, rowsAtOnce);
        Assert.Equal(nodes.Length, together.Count);
        foreach (var (node, mine) in nodes.Zip(together))
        {
            var alone = LocalTraining.Run(fixture.Model, node.Task, node.Examples);
            Assert.Equal(alone.Summary.Rows, mine.Summary.Rows);
            Assert.Equal(alone.Summary.Examples, mine.Summary.Examples);
            Assert.All(alone.Summary.Losses.Zip(mine.Summary.Losses),
                pair => Assert.Equal(pair.First, pair.Second, Tolerance * Math.Abs(pair.First)));
            foreach (var tensor in alone.Adapter)
            {
                var largest = tensor.Values.Max(Math.Abs);
                Assert.All(tensor.Values.Zip(mine.Adapter[tensor.Name].Values),
                    pair => Assert.Equal(pair.First, pair.Second, Tolerance * Math.Max(largest, 1e-3)));
            }
            // It was trained at all.
            Assert.NotEqual(node.Task.Start.Adapter.Hash, mine.Adapter.Hash);
        }
    }

    private static CohortNode[] Nodes(ModelFixture fixture, Func<LocalTask, int, LocalTask> change)
    {
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var start = new NodeStart(adapter.State, fixture.Model.LayoutFor(adapter.Config));
        return [.. Enumerable.Range(0, 4).Select(i => new CohortNode(
            change(new LocalTask(start, Factors.A | Factors.B | Factors.Head, Training) { Seed = (ulong)i }, i),
            [.. fixture.Examples.Skip(i % fixture.Examples.Count), .. fixture.Examples.Take(i)]))];
    }

    private static TrainingSpec Training { get; } =
        new() { LocalSteps = 3, BatchSize = 3, LearningRate = 1e-2, Optimizer = "sgd", WeightDecay = 0 };
}
