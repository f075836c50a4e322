using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Models;

namespace FedLora.Training.Tests.Models;

public sealed class ModelLoadingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-model-").FullName;

    [Fact]
    public void An_unknown_architecture_is_refused_with_a_list_of_the_known()
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{"model_type":"mamba","architectures":["MambaForCausalLM"]}""");
        var error = Assert.Throws<FedLoraException>(() => BaseModel.Load(_folder));
        Assert.Equal("model-architecture-unknown", error.Code);
        Assert.Contains("mamba", error.Message, StringComparison.Ordinal);
        Assert.Contains("llama, mistral, phi3", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json", "model-config-invalid")]
    [InlineData("[1]", "model-config-invalid")]
    [InlineData("""{"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":0}""", "model-config-invalid")]
    [InlineData("""{"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":"32"}""", "model-config-invalid")]
    public void A_config_that_makes_no_sense_is_refused(string config, string code)
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), config);
        Assert.Equal(code, Assert.Throws<FedLoraException>(() => BaseModel.Load(_folder)).Code);
    }

    [Fact]
    public void A_missing_folder_and_a_missing_config_say_so()
    {
        Assert.Equal("model-folder-missing", Assert.Throws<FedLoraException>(() => BaseModel.Load(Path.Combine(_folder, "none"))).Code);
        Assert.Equal("model-config-missing", Assert.Throws<FedLoraException>(() => BaseModel.Load(_folder)).Code);
    }

    [FixtureTheory("models", "expected.safetensors")]
    [MemberData(nameof(ModelFixtureTests.Names), MemberType = typeof(ModelFixtureTests))]
    [Trait("Category", "Fixtures")]
    public void Both_spellings_of_the_config_make_the_same_fingerprint_and_other_weights_another(string name)
    {
        var folder = Fixtures.PathOf("models", name);
        var fingerprint = ModelFingerprint.Compute(folder);
        Assert.Equal(64, fingerprint.Length);
        if (File.Exists(Path.Combine(folder, "config.v4.json")))
            Assert.Equal(fingerprint, ModelFingerprint.Compute(folder, "config.v4.json"));
        foreach (var file in new[] { "config.json", "model.safetensors" })
            File.Copy(Path.Combine(folder, file), Path.Combine(_folder, file), overwrite: true);
        var weights = Path.Combine(_folder, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(weights, bytes);
        Assert.NotEqual(fingerprint, ModelFingerprint.Compute(_folder));
    }

    [FixtureTheory("models", "adapter_config.json")]
    [MemberData(nameof(ModelFixtureTests.Names), MemberType = typeof(ModelFixtureTests))]
    [Trait("Category", "Fixtures")]
    public void The_layout_from_the_config_alone_is_that_of_the_adapter(string name)
    {
        var folder = Fixtures.PathOf("models", name);
        var adapter = PeftFolder.Read(Path.Combine(folder, "adapter"));
        adapter.RequireFits(ModelLayout.For(ModelFamily.ReadFolder(folder), adapter.Config), name);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
