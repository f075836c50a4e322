using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations;
using FedLora.Federations.Definitions;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Models;
using FedLora.Training.Optimization;
using FedLora.Training.Running;
using FedLora.Training.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Tests;

[Trait("Category", "Fixtures")]
public sealed class TrainerTests
{
    private static readonly string Llama = Fixtures.PathOf("models", "llama");

    [FixtureTheory("models", "model.safetensors")]
    [InlineData(0.0)]
    [InlineData(0.2)]
    public void The_same_seed_gives_the_same_bytes_and_the_base_model_stays_as_it_was(double dropout)
    {
        using var fixture = new ModelFixture("llama");
        var before = fixture.Logits(dropPadding: false);
        var first = Train(fixture, seed: 7, dropout);
        Assert.Equal(before, fixture.Logits(dropPadding: false));
        var again = Train(fixture, seed: 7, dropout);
        Assert.Equal(first.Trained.Hash, again.Trained.Hash);
        Assert.NotEqual(first.Trained.Hash, Train(fixture, seed: 8, dropout).Trained.Hash);
        Assert.Equal(12, first.Summary.Losses.Count);
        Assert.Equal(36, first.Summary.Examples);
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData(Factors.B)]
    [InlineData(Factors.A)]
    public void Only_the_factors_that_the_method_names_are_trained(Factors trained)
    {
        using var fixture = new ModelFixture("llama");
        var result = Train(fixture, seed: 1, 0, trained);
        var start = PeftFolder.Read(Path.Combine(Llama, "adapter")).State;
        Assert.All(result.Trained, t => Assert.Equal(trained, AdapterKey.Parse(t.Name).Factor));
        foreach (var tensor in result.Adapter)
            Assert.Equal(AdapterKey.Parse(tensor.Name).Factor != trained, tensor.Values.AsSpan().SequenceEqual(start[tensor.Name].Values));
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("bert-mlm")]
    [InlineData("llama")]
    public void All_weights_can_be_trained_and_a_few_examples_learnt_by_heart(string name)
    {
        using var fixture = new ModelFixture(name);
        using var parameters = new ParameterSet(fixture.Transformer.BaseSlots, CPU);
        var training = new TrainingSpec { LocalSteps = 60, BatchSize = 4, LearningRate = 1e-2, WeightDecay = 0, MaxGradNorm = 1 };
        var summary = new Trainer().Run(fixture.Transformer, parameters, fixture.Examples, training, seed: 0);
        Assert.True(summary.Losses[^1] < 0.2, $"loss {summary.Losses[^1]} after {summary.Losses[0]}");
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("bert-mlm")]
    [InlineData("llama")]
    [InlineData("gpt2")]
    public void The_gradient_of_every_base_weight_is_its_difference_quotient(string name)
    {
        using var fixture = new ModelFixture(name);
        using var parameters = new ParameterSet(fixture.Transformer.BaseSlots, CPU);
        new PlainStep(4096, null).Run(fixture.Transformer, parameters, fixture.Examples, default);
        foreach (var (slot, gradient) in parameters.Entries)
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            // Along the gradient itself the quotient is its squared norm; that is the direction with the least rounding.
            var length = gradient.norm().item<float>();
            if (length < 1e-3)
                continue;
            var (step, direction) = (1e-2f / Math.Max(length, 1), gradient.div(length));
            slot.Value.add_(direction, step);
            var above = fixture.Loss().Loss;
            slot.Value.add_(direction, -2 * step);
            var below = fixture.Loss().Loss;
            slot.Value.add_(direction, step);
            var quotient = (above - below) / (2 * step);
            Assert.True(Math.Abs(quotient - length) < 0.02 * length + 1e-3, $"{slot.Name}: {quotient} instead of {length}");
        }
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    [InlineData("bert-classify")]
    [InlineData("gemma2")]
    public void Bfloat16_weights_give_nearly_the_same_losses(string name)
    {
        using var fixture = new ModelFixture(name);
        using var narrow = BaseModel.Load(fixture.Folder, new LoadOptions { Compute = ComputeType.BF16 });
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var task = new LocalTask(new NodeStart(adapter.State, fixture.Model.LayoutFor(adapter.Config)),
            Factors.A | Factors.B | Factors.Head, Training)
        {
            Seed = 3,
        };
        var (wide, half) = (LocalTraining.Run(fixture.Model, task, fixture.Examples), LocalTraining.Run(narrow, task, fixture.Examples));
        foreach (var (a, b) in wide.Summary.Losses.Zip(half.Summary.Losses))
            Assert.Equal(a, b, 0.03 * a);
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama-rope-scaled-tied")]
    [InlineData("bert-classify")]
    public void No_tensor_outlives_its_step(string name)
    {
        using var fixture = new ModelFixture(name);
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var task = new LocalTask(new NodeStart(adapter.State, fixture.Model.LayoutFor(adapter.Config)),
            Factors.A | Factors.B | Factors.Head, Training)
        {
            Seed = 3,
        };
        LocalTraining.Run(fixture.Model, task, fixture.Examples);
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        LocalTraining.Run(fixture.Model, task, fixture.Examples);
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void Examples_without_anything_to_learn_take_no_step(string name)
    {
        using var fixture = new ModelFixture(name);
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var task = new LocalTask(new NodeStart(adapter.State, fixture.Model.LayoutFor(adapter.Config)), Factors.A | Factors.B,
            Training with { BatchSize = 1, WeightDecay = 0.1 })
        {
            Seed = 1,
        };
        var silent = new Example([1]) { Labels = [1] };
        Assert.Equal("data-nothing-to-learn",
            Assert.Throws<FedLoraException>(() => LocalTraining.Run(fixture.Model, task, [silent, silent])).Code);
        // Beside others they are not drawn: the same steps as without them.
        var mixed = LocalTraining.Run(fixture.Model, task, [silent, .. fixture.Examples, silent]);
        Assert.All(mixed.Summary.Losses, loss => Assert.True(double.IsFinite(loss)));
        Assert.Equal(12, mixed.Summary.Examples);
        Assert.Equal(LocalTraining.Run(fixture.Model, task, fixture.Examples).Trained.Hash, mixed.Trained.Hash);
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void An_optimiser_that_is_kept_goes_on_as_if_there_had_been_no_end(string name)
    {
        using var fixture = new ModelFixture(name);
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var layout = fixture.Model.LayoutFor(adapter.Config);
        // Every step takes all examples, so that two runs see what one does.
        var training = Training with { LocalSteps = 4, BatchSize = fixture.Examples.Count };
        var whole = Run(adapter.State, training, null);
        Assert.Null(whole.Summary.Optimizer);
        var first = Run(adapter.State, training with { LocalSteps = 2 }, OptimizerMemory.Empty);
        var memory = Assert.IsType<OptimizerMemory>(first.Summary.Optimizer);
        Assert.Equal(2, memory.Steps);
        Assert.Equal(first.Trained.ParameterCount, memory.Mean.Length);
        var second = Run(first.Adapter, training with { LocalSteps = 2 }, memory);
        Assert.True(Apart(whole, second) < 1e-4, $"{Apart(whole, second)}");
        var anew = Run(first.Adapter, training with { LocalSteps = 2 }, null);
        Assert.True(Apart(whole, anew) > 1e-3, $"{Apart(whole, anew)}");
        // Of other tensors it says nothing.
        Assert.Equal(anew.Trained.Hash, Run(first.Adapter, training with { LocalSteps = 2 }, new(2, [1], [1])).Trained.Hash);

        LocalResult Run(AdapterState start, TrainingSpec how, OptimizerMemory? recalled) => LocalTraining.Run(fixture.Model,
            new LocalTask(new NodeStart(start, layout), Factors.A | Factors.B, how) { Seed = 1, Recalled = recalled }, fixture.Examples);

        static double Apart(LocalResult one, LocalResult other) =>
            one.Trained.Max(t => t.Values.Zip(other.Trained[t.Name].Values, (a, b) => Math.Abs(a - b)).Max());
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void Settings_that_make_no_sense_are_refused(string name)
    {
        using var fixture = new ModelFixture(name);
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var start = new NodeStart(adapter.State, fixture.Model.LayoutFor(adapter.Config));
        Assert.All(
            [
                Training with { LocalSteps = 0 },
                Training with { BatchSize = 0 },
                Training with { LearningRate = 0 },
                Training with { LearningRate = double.NaN },
                Training with { Optimizer = "lion" },
                Training with { Schedule = "" },
            ],
            bad => Assert.Equal(RefusalCodes.DefinitionInvalid, Assert.Throws<FedLoraException>(
                () => LocalTraining.Run(fixture.Model, new LocalTask(start, Factors.A, bad), fixture.Examples)).Code));
    }

    /// <summary>A site that trains alone for comparison takes the steps of all rounds at once, more than a round may have.</summary>
    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void The_steps_of_all_rounds_may_be_more_than_those_that_one_may_have(string name)
    {
        using var fixture = new ModelFixture(name);
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var start = new NodeStart(adapter.State, fixture.Model.LayoutFor(adapter.Config));
        // It starts, and ends at once.
        Assert.Throws<OperationCanceledException>(() => LocalTraining.Run(fixture.Model,
            new LocalTask(start, Factors.A, Training with { LocalSteps = 2_000_000 }), fixture.Examples,
            cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public void A_sampler_shows_every_example_once_before_any_twice()
    {
        var sampler = new ShuffledSampler(10, 4, 3);
        var drawn = Enumerable.Range(0, 5).SelectMany(_ => sampler.Next()).ToArray();
        Assert.Equal(Enumerable.Range(0, 10), drawn[..10].Order());
        Assert.Equal(Enumerable.Range(0, 10), drawn[10..].Order());
        Assert.NotEqual(drawn[..10], drawn[10..]);
    }

    [Fact]
    public void Macro_F1_counts_every_class_alike()
    {
        // Class 0: 8 of 8 right, 2 others taken for it; class 1: 2 of 4 right. F1 = 16/18 and 4/6.
        Assert.Equal((16.0 / 18 + 4.0 / 6) / 2, new Confusion(new long[,] { { 8, 0 }, { 2, 2 } }).MacroF1, 1e-12);
        Assert.Equal(1, new Confusion(new long[,] { { 0, 0, 0 }, { 0, 5, 0 }, { 0, 0, 0 } }).MacroF1);
        Assert.Equal(4.0 / 5 / 2, new Confusion(new long[,] { { 0, 0 }, { 1, 2 } }).MacroF1, 1e-12);
    }

    private static TrainingSpec Training { get; } = new() { LocalSteps = 12, BatchSize = 3, LearningRate = 5e-3, WeightDecay = 0 };

    private static LocalResult Train(ModelFixture fixture, ulong seed, double dropout, Factors trained = Factors.A | Factors.B)
    {
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var task = new LocalTask(new NodeStart(adapter.State, fixture.Model.LayoutFor(adapter.Config)), trained, Training)
        {
            Seed = seed,
            Dropout = dropout,
        };
        return LocalTraining.Run(fixture.Model, task, fixture.Examples);
    }
}
