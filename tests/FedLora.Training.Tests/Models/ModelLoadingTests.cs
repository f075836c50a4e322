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

    [FixtureTheory("models", "expected.safetensors")]
    [MemberData(nameof(ModelFixtureTests.Names), MemberType = typeof(ModelFixtureTests))]
    [Trait("Category", "Fixtures")]
    public void The_check_without_weights_finds_what_a_load_finds(string name)
    {
        var folder = Fixtures.PathOf("models", name);
        foreach (var options in new[]
        {
            new LoadOptions(),
            new LoadOptions { Task = ModelTask.Classification, Labels = ["a", "b", "c", "d", "e"] },
        })
        {
            using var loaded = Loaded(folder, options, out var refusal);
            if (loaded is not null)
                Assert.Equal(loaded.MadeTensors, BaseModel.Check(folder, options));
            else
                Assert.Equal(refusal, Assert.Throws<FedLoraException>(() => BaseModel.Check(folder, options)).Message);
        }
        Copy(name);
        var weights = AdapterState.Load(Path.Combine(folder, "model.safetensors"));
        var gone = weights.First(t => t.Shape.Length == 2 && t.Name.Contains(".0.", StringComparison.Ordinal)).Name;
        new AdapterState(weights.Where(t => t.Name != gone)).Save(Path.Combine(_folder, "model.safetensors"));
        Assert.Equal("tensor-missing", Assert.Throws<FedLoraException>(() => BaseModel.Check(_folder, new LoadOptions())).Code);
    }

    [FixtureTheory("models", "expected.safetensors")]
    [InlineData("bert-classify", "classifier.weight", "classifier.bias")]
    [InlineData("distilbert-classify", "classifier.weight", "classifier.bias")]
    [Trait("Category", "Fixtures")]
    public void A_head_for_other_classes_is_made_anew_and_said(string name, params string[] made)
    {
        var folder = Fixtures.PathOf("models", name);
        string[] labels = [.. ModelFamily.ReadFolder(folder).Labels, "one more"];
        using var model = BaseModel.Load(folder, new LoadOptions { Task = ModelTask.Classification, Labels = labels });
        Assert.Equal(made, model.MadeTensors.Order(StringComparer.Ordinal).Reverse());
        Assert.Equal(labels.Length, model.Transformer.Head!.Output.Weight.Value.shape[0]);
    }

    [FixtureTheory("models", "expected.safetensors")]
    [InlineData("llama")]
    [Trait("Category", "Fixtures")]
    public void An_index_beside_the_whole_file_does_not_count(string name)
    {
        Copy(name);
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"),
            """{"weight_map":{"a":"model-00001-of-00004.safetensors"}}""");
        using var model = BaseModel.Load(_folder);
        Assert.Empty(model.MadeTensors);
        Assert.Equal(ModelFingerprint.Compute(Fixtures.PathOf("models", name)), ModelFingerprint.Compute(_folder));
        File.Delete(Path.Combine(_folder, "model.safetensors"));
        Assert.Equal("file-missing", Assert.Throws<FedLoraException>(() => BaseModel.Load(_folder)).Code);
        File.Delete(Path.Combine(_folder, "model.safetensors.index.json"));
        File.WriteAllText(Path.Combine(_folder, "pytorch_model.bin"), "");
        Assert.Contains("save_pretrained", Assert.Throws<FedLoraException>(() => BaseModel.Load(_folder)).Hint, StringComparison.Ordinal);
    }

    [FixtureTheory("models", "expected.safetensors")]
    [InlineData("pytorch_model-00001-of-00002.bin", "a pickle", "save_pretrained", "llama")]
    [InlineData("tf_model.h5", "TensorFlow", "from_tf=True", "llama")]
    [InlineData("flax_model.msgpack", "Flax", "from_flax=True", "llama")]
    [InlineData("llama-q4.gguf", "GGUF", "before the conversion", "llama")]
    [InlineData("adapter_model.safetensors", "holds an adapter", "--adapter", "llama")]
    [InlineData("model-00001-of-00004.safetensors", "model.safetensors.index.json", "Fetch", "llama")]
    [InlineData("consolidated.safetensors", "a name that is not looked for", "model.safetensors", "llama")]
    [Trait("Category", "Fixtures")]
    public void Weights_in_another_form_are_named_with_what_to_do(string file, string said, string hint, string name)
    {
        Copy(name);
        File.Move(Path.Combine(_folder, "model.safetensors"), Path.Combine(_folder, file));
        var error = Assert.Throws<FedLoraException>(() => BaseModel.Load(_folder));
        Assert.Equal("file-missing", error.Code);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.Contains(hint, error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapters_folder_is_no_model()
    {
        File.WriteAllText(Path.Combine(_folder, "adapter_config.json"), "{}");
        var error = Assert.Throws<FedLoraException>(() => BaseModel.Load(_folder));
        Assert.Equal("model-config-missing", error.Code);
        Assert.Contains("--adapter", error.Hint, StringComparison.Ordinal);
    }

    [FixtureTheory("models", "expected.safetensors")]
    [InlineData("regression", "bert-classify")]
    [InlineData("multi_label_classification", "bert-classify")]
    [Trait("Category", "Fixtures")]
    public void Another_kind_of_classification_is_refused(string problem, string name)
    {
        Copy(name);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "config.json")))!;
        config["problem_type"] = problem;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        var error = Assert.Throws<FedLoraException>(() => BaseModel.Load(_folder));
        Assert.Equal("model-task-unsupported", error.Code);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    /// <summary>transformers takes one label for regression.</summary>
    [FixtureTheory("models", "expected.safetensors")]
    [InlineData("num_labels", "1", "bert-classify")]
    [InlineData("id2label", "{\"0\":\"score\"}", "bert-classify")]
    [Trait("Category", "Fixtures")]
    public void A_classifier_of_one_label_is_refused_unless_classes_are_named(string key, string value, string name)
    {
        Copy(name);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "config.json")))!.AsObject();
        config.Remove("id2label");
        config.Remove("label2id");
        config[key] = System.Text.Json.Nodes.JsonNode.Parse(value);
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        var error = Assert.Throws<FedLoraException>(() => ModelFamily.ReadFolder(_folder));
        Assert.Equal("model-task-unsupported", error.Code);
        Assert.Contains("regression is not supported", error.Message, StringComparison.Ordinal);
        Assert.Equal(["ham", "spam"], ModelFamily.ReadFolder(_folder, ModelTask.Classification, ["ham", "spam"]).Labels);
    }

    [Theory]
    [InlineData(null, "7", new[] { 7 })]
    [InlineData(null, "[2, 97]", new[] { 2, 97 })]
    [InlineData("[3]", "[2, 97]", new[] { 3 })]
    [InlineData("[3, 5]", "null", new[] { 3, 5 })]
    [InlineData("null", "[2, 97]", new[] { 2, 97 })]
    [InlineData(null, "null", new int[0])]
    public void Every_token_that_ends_a_text_is_known(string? generation, string config, int[] expected)
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), $$"""{"eos_token_id":{{config}}}""");
        if (generation is not null)
            File.WriteAllText(Path.Combine(_folder, "generation_config.json"), $$"""{"eos_token_id":{{generation}}}""");
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), """{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}""");
        Assert.Equal(expected, EndTokens.Of(_folder, FedLora.Tokenizers.Tokenizer.Load(_folder)));
    }

    [Theory]
    [InlineData("""["LlamaModel","LlamaForCausalLM"]""", ModelTask.CausalLanguageModelling)]
    [InlineData("""["LlamaForSequenceClassification"]""", ModelTask.Classification)]
    [InlineData("[]", ModelTask.Hidden)]
    public void All_architectures_of_the_list_count(string list, ModelTask expected)
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), $$"""{"architectures":{{list}}}""");
        Assert.Equal(expected, ModelFamily.MadeFor(_folder));
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

    private static BaseModel? Loaded(string folder, LoadOptions options, out string? refusal)
    {
        try
        {
            refusal = null;
            return BaseModel.Load(folder, options);
        }
        catch (FedLoraException error)
        {
            refusal = error.Message;
            return null;
        }
    }

    private void Copy(string name)
    {
        foreach (var file in new[] { "config.json", "model.safetensors" })
            File.Copy(Fixtures.PathOf("models", name, file), Path.Combine(_folder, file), overwrite: true);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
