using FedLora.Adapters;
using FedLora.Client.Training;
using FedLora.Federations.Definitions;
using FedLora.Tests;
using FedLora.Training.Models;

namespace FedLora.Client.Tests;

[Trait("Category", "Fixtures")]
public sealed class LoadedModelTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("fedlora-model-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void A_model_that_could_not_be_loaded_leaves_none_behind_that_is_disposed(string name)
    {
        foreach (var file in (string[])["config.json", "model.safetensors"])
            File.Copy(Fixtures.PathOf("models", name, file), Path.Combine(folder, file));
        using var loaded = new LoadedModel(folder);
        var before = Read(loaded.Get(Definition("f32")));
        var weights = Path.Combine(folder, "model.safetensors");
        File.Move(weights, weights + ".away");
        Assert.Throws<FedLoraException>(() => loaded.Get(Definition("bf16")));
        Assert.Throws<FedLoraException>(() => loaded.Get(Definition("f32")));
        File.Move(weights + ".away", weights);
        Assert.Equal(before, Read(loaded.Get(Definition("f32"))));
        // Nor does a fold that is of another model.
        var alien = new AdapterState([new(new AdapterKey("none.such", Factors.A).Name, [1, 2], [1, 2]),
            new(new AdapterKey("none.such", Factors.B).Name, [2, 1], [1, 2])]);
        Assert.Throws<FedLoraException>(() => loaded.Get(Definition("f32"), [alien]));
        Assert.Equal(before, Read(loaded.Get(Definition("f32"), [])));
    }

    private static float[] Read(BaseModel model)
    {
        var module = model.LayoutFor(new PeftConfig { Rank = 2, Alpha = 2, TargetModules = ["q_proj"] }).Modules[0];
        var matrix = new float[module.DOut * module.DIn];
        model.Read(module, matrix);
        return matrix;
    }

    private static FederationDefinition Definition(string dtype) => new()
    {
        Name = "texts",
        Method = "flora",
        BaseModel = new BaseModelSpec { Name = "tiny", Fingerprint = "none" },
        Task = new TaskSpec { Kind = LearningTask.CausalLanguageModel },
        Lora = new LoraSpec(),
        Layout = new LayoutSpec { Modules = [] },
        Training = new TrainingSpec { Dtype = dtype },
    };
}
