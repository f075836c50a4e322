using System.Text.Json.Nodes;
using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Lora;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Training.Tests.Models;

/// <summary>
/// A head that is the word embedding too: an adapter changes it in the head's role alone, as with PEFT. Held against the same model with a
/// head of its own.
/// </summary>
[Trait("Category", "Fixtures")]
public sealed class TiedHeadTests : IDisposable
{
    private const string Head = "lm_head";
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-tied-").FullName;

    public static TheoryData<string> Tied => [.. ModelFixture.Names.Where(name =>
    {
        var model = ModelFamily.ReadFolder(Fixtures.PathOf("models", name));
        return model is { TiedHead: true, Task: ModelTask.CausalLanguageModelling };
    })];

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Tied))]
    public void A_saved_head_is_a_copy_of_its_own(string name)
    {
        using var fixture = new ModelFixture(name);
        using var twin = Untied(fixture);
        var layout = new AdapterLayout([], 1, 1,
            [new HeadTensor($"{Head}.weight", [fixture.Model.Architecture.Vocabulary, fixture.Model.Architecture.Width])]);
        var state = new AdapterState(
            [Random($"base_model.model.{Head}.weight", fixture.Model.Architecture.Vocabulary, fixture.Model.Architecture.Width)]);
        var before = Loss(fixture.Model, fixture);
        using (var binding = new AdapterBinding(fixture.Transformer, state, layout))
        using (var other = new AdapterBinding(twin.Transformer, state, layout))
        {
            Assert.Equal(Loss(twin, fixture), Loss(fixture.Model, fixture), 1e-5);
            using (var parameters = new ParameterSet(binding.Slots(Factors.Head), TorchSharp.torch.CPU))
                new PlainStep(4096, null).Run(fixture.Transformer, parameters, fixture.Examples, default);
            Assert.Equal(state.Hash, binding.Export().Hash);
        }
        Assert.Equal(before, Loss(fixture.Model, fixture));
    }

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Tied))]
    public void What_is_folded_into_the_head_leaves_the_embedding(string name)
    {
        using var fixture = new ModelFixture(name);
        using var twin = Untied(fixture);
        var fold = Product(fixture.Model.Architecture);
        var before = Loss(fixture.Model, fixture);
        fixture.Model.SetFolds([fold]);
        twin.SetFolds([fold]);
        Assert.NotEqual(before, Loss(fixture.Model, fixture));
        Assert.Equal(Loss(twin, fixture), Loss(fixture.Model, fixture), 1e-5);
        fixture.Model.SetFolds([]);
        Assert.Equal(before, Loss(fixture.Model, fixture));
        Assert.True(fixture.Transformer.Head!.Output.IsTied);
    }

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Tied))]
    public void Merged_factors_leave_the_embedding(string name)
    {
        using var fixture = new ModelFixture(name);
        using var twin = Untied(fixture);
        foreach (var model in new[] { fixture.Model, twin })
        {
            using var binding = new AdapterBinding(model.Transformer, Product(model.Architecture),
                new AdapterLayout([new AdapterModule(Head, model.Architecture.Vocabulary, model.Architecture.Width)], 2, 2, []));
            binding.Merge();
        }
        Assert.Equal(Loss(twin, fixture), Loss(fixture.Model, fixture), 1e-5);
    }

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Tied))]
    public void The_gradient_by_the_head_is_not_the_embeddings_too(string name)
    {
        using var fixture = new ModelFixture(name);
        using var twin = Untied(fixture);
        var module = new AdapterModule(Head, fixture.Model.Architecture.Vocabulary, fixture.Model.Architecture.Width);
        ModelFixture.AssertClose(Gradient(twin), Gradient(fixture.Model), "gradient");
        Assert.True(fixture.Transformer.Head!.Output.IsTied);

        float[] Gradient(BaseModel model)
        {
            var values = new float[module.DOut * module.DIn];
            new BaseGradients(model.Transformer, [module], [fixture.Examples]).Read(module, values);
            return values;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static double Loss(BaseModel model, ModelFixture fixture) => Evaluator.Run(model.Transformer, fixture.Examples).Loss;

    /// <summary>The same weights with a head of its own.</summary>
    private BaseModel Untied(ModelFixture fixture)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(fixture.Folder, "config.json")))!;
        config["tie_word_embeddings"] = false;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        var weights = AdapterState.Load(Path.Combine(fixture.Folder, "model.safetensors"));
        var words = weights.Single(t => t.Name.EndsWith($"{fixture.Model.Architecture.Names.Words}.weight", StringComparison.Ordinal));
        weights.With([words with { Name = $"{Head}.weight" }]).Save(Path.Combine(_folder, "model.safetensors"));
        return BaseModel.Load(_folder);
    }

    private static AdapterState Product(Architecture model) => new(
        [Random(new AdapterKey(Head, Factors.A).Name, 2, model.Width), Random(new AdapterKey(Head, Factors.B).Name, model.Vocabulary, 2)]);

    private static AdapterTensor Random(string name, int rows, int columns)
    {
        var random = new Random(5);
        return new AdapterTensor(name, [rows, columns],
            [.. Enumerable.Range(0, rows * columns).Select(_ => (float)(0.5 * (random.NextDouble() - 0.5)))]);
    }
}
