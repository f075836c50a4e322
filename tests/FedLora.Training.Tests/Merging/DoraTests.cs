using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Data;
using FedLora.Training.Merging;
using FedLora.Training.Models;
using FedLora.Training.Running;
using FedLora.Training.Tests.Models;

namespace FedLora.Training.Tests.Merging;

/// <summary>DoRA adapters of PEFT's: evaluated and merged; nothing trains or writes them.</summary>
[Trait("Category", "Fixtures")]
public sealed class DoraTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-dora-").FullName;

    private string To => Path.Combine(_folder, "merged");

    private string Adapter => Path.Combine(_folder, "adapter");

    public static TheoryData<string> Names => [.. ModelFixture.Names.Where(name =>
        ModelFamily.ReadFolder(Fixtures.PathOf("models", name)).Task == ModelTask.CausalLanguageModelling)];

    /// <summary>Merged, the logits are PEFT's (AdapterMergeTests); beside the base model they are those of the merged one.</summary>
    [FixtureTheory("models", "adapters/dora/adapter_config.json")]
    [InlineData("llama")]
    public void It_is_evaluated_as_PEFT_computes_it(string name)
    {
        var (model, adapter) = (Fixtures.PathOf("models", name), Fixtures.PathOf("models", name, "adapters", "dora"));
        var written = PeftFolder.Read(adapter, takesDora: true);
        Assert.Equal("adapter-unsupported", Assert.Throws<FedLoraException>(() => written.Write(To)).Code);
        AdapterMerge.Run(model, adapter, To);
        RequireSame(model, adapter);
    }

    /// <summary>Transposed and fused layers, tied heads: the lengths are those of rows of d_out in all of them.</summary>
    [FixtureTheory("models", "expected.safetensors")]
    [MemberData(nameof(Names))]
    public void Each_familys_layers_are_merged_as_they_are_used(string name)
    {
        var folder = Fixtures.PathOf("models", name);
        Write(PeftFolder.Read(Path.Combine(folder, "adapter")), (state, _) => state);
        AdapterMerge.Run(folder, Adapter, To);
        RequireSame(folder, Adapter);
    }

    [FixtureTheory("models", "adapters/dora/adapter_config.json")]
    [InlineData("llama", "gone", "tensor-missing")]
    [InlineData("llama", "short", "tensor-shape")]
    [InlineData("llama", "another", "tensor-unexpected")]
    [InlineData("llama", "nan", "tensor-not-finite")]
    public void One_that_is_not_whole_is_refused(string name, string what, string code)
    {
        var folder = Fixtures.PathOf("models", name);
        Write(PeftFolder.Read(Path.Combine(folder, "adapter")), (state, first) => what switch
        {
            "gone" => new AdapterState(state.Where(t => t != first)),
            "short" => state.With([first with { Shape = [1], Values = [1] }]),
            "another" => state.With([first with { Name = first.Name.Replace("layers.0", "layers.7", StringComparison.Ordinal) }]),
            _ => state.With([first with { Values = [.. first.Values.Select(_ => float.NaN)] }]),
        });
        Assert.Equal(code, Assert.Throws<FedLoraException>(() => AdaptedModel.Load(folder, Adapter, new LoadOptions())).Code);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // The plain adapter with lengths of its own.
    private void Write(PeftFolder plain, Func<AdapterState, AdapterTensor, AdapterState> change)
    {
        plain.Write(Adapter);
        var config = Path.Combine(Adapter, "adapter_config.json");
        File.WriteAllText(config,
            File.ReadAllText(config).Replace("\"use_dora\": false", "\"use_dora\": true", StringComparison.Ordinal));
        var lengths = plain.Layout().Modules.Select((module, m) => new AdapterTensor(
            $"base_model.model.{module.Name}.lora_magnitude_vector", [module.DOut],
            [.. Enumerable.Range(0, module.DOut).Select(i => 0.5f + (((7 * i) + m) % 11 / 10f))])).ToList();
        change(plain.State.With(lengths), lengths[0]).Save(Path.Combine(Adapter, "adapter_model.safetensors"));
    }

    private void RequireSame(string folder, string adapter)
    {
        using var apart = AdaptedModel.Load(folder, adapter, new LoadOptions());
        using var merged = BaseModel.Load(To);
        var vocabulary = apart.Base.Architecture.Vocabulary;
        var examples = Enumerable.Range(0, 6).Select(i =>
        {
            int[] tokens = [.. Enumerable.Range(0, 5 + i).Select(t => ((17 * t) + (5 * i)) % vocabulary)];
            return new Example(tokens) { Labels = tokens };
        }).ToList();
        using var plain = BaseModel.Load(folder);
        var (expected, actual) = (Evaluator.Run(apart.Base.Transformer, examples), Evaluator.Run(merged.Transformer, examples));
        Assert.Equal(expected.Loss, actual.Loss, 1e-5 * expected.Loss);
        Assert.NotEqual(Evaluator.Run(plain.Transformer, examples).Loss, actual.Loss, 1e-4 * expected.Loss);
    }
}
