using System.Text.Json.Nodes;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Lora;
using FedLora.Training.Merging;
using FedLora.Training.Models;
using FedLora.Training.Running;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Models;

/// <summary>
/// An embedding in modules_to_save is a full copy that is trained and saved; a head that is tied to it stays what the base model has, as
/// PEFT's ModulesToSaveWrapper leaves it. Held against a checkpoint with that embedding and that head.
/// </summary>
[Trait("Category", "Fixtures")]
public sealed class EmbeddingAdapterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-embedding-").FullName;

    public static TheoryData<string> Causal => GenerationModels();

    private string Adapter => Path.Combine(_folder, "adapter");

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Causal))]
    public void A_saved_embedding_takes_the_models_place_and_leaves_a_tied_head(string name)
    {
        using var fixture = new ModelFixture(name);
        var (state, layout) = WithEmbedding(fixture);
        Write(fixture, state);
        var before = Loss(fixture.Model, fixture);
        using var twin = BaseModel.Load(Twin(fixture, state));
        var expected = Loss(twin, fixture);
        Assert.NotEqual(before, expected, 1e-3);
        using (var binding = new AdapterBinding(fixture.Transformer, state, layout))
        {
            Assert.Equal(expected, Loss(fixture.Model, fixture), 1e-5);
            Assert.Equal(state.Hash, binding.Export().Hash);
        }
        Assert.Equal(before, Loss(fixture.Model, fixture));
        // Merged: the embedding is the adapter's, and the head is written down where it was tied.
        var to = Path.Combine(_folder, "merged");
        Assert.Equal(fixture.Model.Architecture.TiedHead, AdapterMerge.Run(fixture.Folder, Adapter, to).Untied);
        using var merged = BaseModel.Load(to);
        Assert.Equal(expected, Loss(merged, fixture), 1e-5);
    }

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Causal))]
    public void Both_a_tied_head_and_its_embedding_may_be_saved_each_a_copy_of_its_own(string name)
    {
        using var fixture = new ModelFixture(name);
        var model = fixture.Model.Architecture;
        var before = Loss(fixture.Model, fixture);
        var (embedding, head) = (Words(model), $"{model.Names.Head.Output}.weight");
        var state = new AdapterState([Random($"base_model.model.{embedding}", model, 1), Random($"base_model.model.{head}", model, 2)]);
        // Whichever comes first.
        foreach (var order in (string[][])[[embedding, head], [head, embedding]])
        {
            var layout = new AdapterLayout([], 1, 1, [.. order.Select(tensor => new HeadTensor(tensor, [model.Vocabulary, model.Width]))]);
            using (new AdapterBinding(fixture.Transformer, state, layout))
            {
                using var twin = BaseModel.Load(Twin(fixture, state));
                Assert.Equal(Loss(twin, fixture), Loss(fixture.Model, fixture), 1e-5);
            }
            Assert.Equal(before, Loss(fixture.Model, fixture));
            Assert.Equal(model.TiedHead, fixture.Transformer.Head!.Output.IsTied);
        }
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    [InlineData("llama-rope-scaled-tied")]
    [InlineData("gpt2")]
    public void The_gradient_by_an_embedding_is_what_a_small_change_does_to_the_loss(string name)
    {
        using var fixture = new ModelFixture(name);
        var (state, layout) = WithEmbedding(fixture);
        using var binding = new AdapterBinding(fixture.Transformer, state, layout);
        using var parameters = new ParameterSet(binding.Slots(Factors.Head), CPU);
        new PlainStep(4096, null).Run(fixture.Transformer, parameters, fixture.Examples, default);
        var gradient = parameters.Gradient.data<float>().ToArray();
        // Along the gradient itself: its squared length times the step.
        const float step = 0.02f;
        var direction = parameters.Gradient.clone();
        var length = Math.Sqrt(gradient.Sum(g => (double)g * g));
        var rise = Moved(step / length) - Moved(-step / length);
        Assert.Equal(2 * step * length, rise, 0.02 * step * length);

        double Moved(double by)
        {
            using var off = no_grad();
            using var kept = parameters.Values.clone();
            parameters.Values.add_(direction, by);
            var loss = Loss(fixture.Model, fixture);
            parameters.Values.copy_(kept);
            return loss;
        }
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama-rope-scaled-tied")]
    public void It_is_trained_by_itself_or_among_others_and_not_privately(string name)
    {
        using var fixture = new ModelFixture(name);
        var (state, layout) = WithEmbedding(fixture);
        var task = new LocalTask(new NodeStart(state, layout), Factors.A | Factors.B | Factors.Head,
            new TrainingSpec { LocalSteps = 4, BatchSize = 2, LearningRate = 1e-2, WeightDecay = 0 })
        { Seed = 1 };
        var alone = LocalTraining.Run(fixture.Model, task, fixture.Examples);
        var embedding = $"base_model.model.{Words(fixture.Model.Architecture)}";
        Assert.NotEqual(state[embedding].Values, alone.Trained[embedding].Values);
        var cohort = CohortTraining.Run(fixture.Model, [new(task, fixture.Examples), new(task, fixture.Examples)]);
        Assert.All(cohort, result => Assert.Equal(alone.Trained.Hash, result.Trained.Hash));
        // The mean of what nodes made of it is a node's own where all made the same.
        var options = new AggregationOptions(layout, MethodOptions.Default, 1, 1);
        var mean = Methods.Get("fedit").Aggregate(state,
            new UpdateSet(cohort.Select((result, k) => new MemoryUpdate($"node-{k}", k + 1, result.Trained))), options, default).Global;
        Assert.Equal(alone.Trained[embedding].Values, mean[embedding].Values);
        Assert.Equal("embedding-private", Assert.Throws<FedLoraException>(() =>
            ModelLayout.RequirePrivate(fixture.Model.Architecture, layout)).Code);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static TheoryData<string> GenerationModels() => [.. ModelFixture.Names.Where(name =>
        ModelFamily.ReadFolder(Fixtures.PathOf("models", name)).Task == ModelTask.CausalLanguageModelling)];

    private static double Loss(BaseModel model, ModelFixture fixture) => Evaluator.Run(model.Transformer, fixture.Examples).Loss;

    private static string Words(Architecture model) => $"{model.Names.Base}.{model.Names.Words}.weight";

    private void Write(ModelFixture fixture, AdapterState state)
    {
        var config = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter")).Config;
        var words = fixture.Model.Architecture.Names.Words!;
        new PeftFolder(config with { ModulesToSave = [words[(words.LastIndexOf('.') + 1)..]] }, state).Write(Adapter);
        // What PEFT's settings make of the model is what the file holds.
        using var loaded = AdaptedModel.Load(fixture.Folder, Adapter, new LoadOptions());
    }

    /// <summary>The fixture's adapter with B of zero, so that nothing but the embedding is another.</summary>
    private static (AdapterState State, AdapterLayout Layout) WithEmbedding(ModelFixture fixture)
    {
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        var (model, words) = (fixture.Model.Architecture, Words(fixture.Model.Architecture));
        var layout = fixture.Model.LayoutFor(adapter.Config);
        return (new AdapterState([
            .. adapter.State.Where(t => AdapterKey.Parse(t.Name).Factor != Factors.Head)
                .Select(t => AdapterKey.Parse(t.Name).Factor == Factors.B ? t with { Values = new float[t.Values.Length] } : t),
            Random($"base_model.model.{words}", model, 1)]),
            layout with { Heads = [new HeadTensor(words, [model.Vocabulary, model.Width])] });
    }

    /// <summary>The checkpoint with the adapter's tensors in it, and a head of its own.</summary>
    private string Twin(ModelFixture fixture, AdapterState state)
    {
        var model = fixture.Model.Architecture;
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "twin")).FullName;
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(fixture.Folder, "config.json")))!;
        config["tie_word_embeddings"] = false;
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        var weights = AdapterState.Load(Path.Combine(fixture.Folder, "model.safetensors"));
        var words = weights.Single(t => Words(model).EndsWith(t.Name, StringComparison.Ordinal));
        var head = $"{model.Names.Head.Output}.weight";
        var own = state.TryGet($"base_model.model.{head}", out var saved) ? saved : weights.TryGet(head, out var there) ? there : words;
        weights.With([own with { Name = head }, state[$"base_model.model.{Words(model)}"] with { Name = words.Name }])
            .Save(Path.Combine(folder, "model.safetensors"));
        return folder;
    }

    private static AdapterTensor Random(string name, Architecture model, int seed)
    {
        var random = new Random(seed);
        return new AdapterTensor(name, [model.Vocabulary, model.Width],
            [.. Enumerable.Range(0, model.Vocabulary * model.Width).Select(_ => (float)(0.5 * (random.NextDouble() - 0.5)))]);
    }
}
