using FedLora.Adapters;
using FedLora.Client.Trainers;
using FedLora.Federations.Definitions;
using FedLora.Tests;
using FedLora.Training.Models;

namespace FedLora.Client.Tests;

/// <summary>The model that a node keeps between rounds: whatever went wrong before, what is handed out is alive.</summary>
public sealed class LoadedModelTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-loaded-model-");
    private readonly LoadedModel _loaded;

    public LoadedModelTests()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder")))
            File.Copy(file, Path.Combine(_folder.FullName, Path.GetFileName(file)));
        _loaded = new LoadedModel(_folder.FullName);
    }

    private string Weights => Path.Combine(_folder.FullName, "model.safetensors");

    private string Away => Weights + ".away";

    [Fact]
    public void After_a_load_that_failed_the_next_one_is_made_anew()
    {
        File.Move(Weights, Away);
        Assert.Throws<FedLoraException>(() => _loaded.Get(Definition("ham", "spam")));
        File.Move(Away, Weights);
        RequireAlive(_loaded.Get(Definition("ham", "spam")));
    }

    /// <summary>The model of before has gone by then: it must not be handed out again, under its own settings or the failed ones.</summary>
    [Theory]
    [InlineData("ham", "spam")]
    [InlineData("good", "bad")]
    public void After_a_load_that_failed_the_model_of_before_is_not_handed_out_disposed(string first, string second)
    {
        var before = _loaded.Get(Definition("ham", "spam"));
        RequireAlive(before);
        File.Move(Weights, Away);
        Assert.Throws<FedLoraException>(() => _loaded.Get(Definition("good", "bad")));
        Assert.ThrowsAny<Exception>(() => RequireAlive(before));
        Assert.Throws<FedLoraException>(() => _loaded.Get(Definition(first, second)));
        File.Move(Away, Weights);
        RequireAlive(_loaded.Get(Definition(first, second)));
    }

    [Fact]
    public void After_folds_that_do_not_fit_the_next_model_has_none()
    {
        var definition = Definition("ham", "spam");
        var whole = Row(_loaded.Get(definition));
        var module = Module(_loaded.Get(definition)).Name;
        Assert.Throws<FedLoraException>(() => _loaded.Get(definition, [Fold(module, width: 3)]));
        var (dOut, dIn) = (Module(_loaded.Get(definition)).DOut, Module(_loaded.Get(definition)).DIn);
        Assert.Equal(whole, Row(_loaded.Get(definition, [])));
        var folded = _loaded.Get(definition, [Fold(module, dIn, dOut)]);
        Assert.NotEqual(whole, Row(folded));
        Assert.Same(folded, _loaded.Get(definition, [Fold(module, dIn, dOut)]));
        Assert.Equal(whole, Row(_loaded.Get(definition, [])));
    }

    public void Dispose()
    {
        _loaded.Dispose();
        _folder.Delete(recursive: true);
    }

    private static void RequireAlive(BaseModel model) => Assert.Contains(Row(model), value => value != 0);

    // Of weights that are disposed there is none.
    private static float[] Row(BaseModel model)
    {
        var module = Module(model);
        var matrix = new float[module.DOut * module.DIn];
        model.Read(module, matrix);
        return matrix;
    }

    private static AdapterModule Module(BaseModel model) =>
        model.LayoutFor(DefinitionSettings.Peft(Definition("ham", "spam"), model.Architecture)).Modules[0];

    private static AdapterState Fold(string module, int width, int height = 3) => new(
    [
        new AdapterTensor(new AdapterKey(module, Factors.A).Name, [1, width], [.. Enumerable.Repeat(0.5f, width)]),
        new AdapterTensor(new AdapterKey(module, Factors.B).Name, [height, 1], [.. Enumerable.Repeat(0.5f, height)]),
    ]);

    private static FederationDefinition Definition(params string[] labels) => new()
    {
        Name = "mail",
        Method = "fedit",
        BaseModel = new BaseModelSpec { Fingerprint = "" },
        Task = new TaskSpec { Kind = LearningTask.Classification, Labels = labels },
        Lora = new LoraSpec { Alpha = 8, TargetModules = ["query"] },
        Layout = new LayoutSpec { Modules = [] },
        Training = new TrainingSpec { Dtype = "f32" },
    };
}
