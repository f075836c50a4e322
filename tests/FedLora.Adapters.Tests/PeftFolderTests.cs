using System.Text.Json.Nodes;
using FedLora.Tests;

namespace FedLora.Adapters.Tests;

public sealed class PeftFolderTests : IDisposable
{
    private const string A = "base_model.model.h.0.q.lora_A.weight", B = "base_model.model.h.0.q.lora_B.weight";
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-peft-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static PeftFolder Small => new(
        new PeftConfig
        {
            Rank = 2,
            Alpha = 4,
            TargetModules = PeftModules.Of("q"),
            ModulesToSave = ["classifier"],
            TaskType = "SEQ_CLS",
            Dropout = 0.05,
        },
        new AdapterState(
            [new(A, [2, 3], [1, 2, 3, 4, 5, 6]), new(B, [5, 2], new float[10]),
                new("base_model.model.classifier.dense.bias", [2], [7, 8])]));

    [Fact]
    [Trait("Category", "Fixtures")]
    public void ReadsWhatPeftWroteAndWritesItBack()
    {
        foreach (var file in Fixtures.Files("models", PeftFolder.ConfigFile))
        {
            var original = Path.GetDirectoryName(Fixtures.PathOf("models", file))!;
            var config = JsonNode.Parse(File.ReadAllText(Path.Combine(original, PeftFolder.ConfigFile)))!.AsObject();
            if (config["use_dora"]?.GetValue<bool>() == true)
            {
                var error = Assert.Throws<FedLoraException>(() => PeftFolder.Read(original));
                Assert.Equal("adapter-unsupported", error.Code);
                Assert.Contains("use_dora", error.Message, StringComparison.Ordinal);
                continue;
            }
            var adapter = PeftFolder.Read(original);
            adapter.RequireFits(adapter.Layout(), original);
            var written = Path.Combine(_folder, file.Replace('/', '_'));
            adapter.Write(written);
            Assert.Equal(File.ReadAllBytes(Path.Combine(original, PeftFolder.ModelFile)),
                File.ReadAllBytes(Path.Combine(written, PeftFolder.ModelFile)));
            // Equal but for the order of sets, repeated names, and the spelling of one name or layer as a list.
            var ours = JsonNode.Parse(File.ReadAllText(Path.Combine(written, PeftFolder.ConfigFile)))!.AsObject();
            Assert.Equal(config.Select(p => p.Key), ours.Select(p => p.Key));
            foreach (var (key, value) in config)
                Assert.True(Canonical(value) == Canonical(ours[key]),
                    $"{file}: {key}: {value?.ToJsonString()} became {ours[key]?.ToJsonString()}");
        }
    }

    [Fact]
    [Trait("Category", "Fixtures")]
    public void PatternsGiveEachModuleItsRankAndScale()
    {
        foreach (var file in Fixtures.Files("models", PeftFolder.ConfigFile)
            .Where(f => f.Contains("/adapters/patterns/", StringComparison.Ordinal)))
        {
            var layout = PeftFolder.Read(Path.GetDirectoryName(Fixtures.PathOf("models", file))!).Layout();
            var q = layout.Modules.Single(m => m.Name == "model.layers.0.self_attn.q_proj");
            Assert.Equal((2, 8.0), (layout.RankOf(q), layout.ScaleOf(q)));
            var v = layout.Modules.Single(m => m.Name == "model.layers.1.self_attn.v_proj");
            Assert.Equal((6, 8.0 / 6), (layout.RankOf(v), layout.ScaleOf(v)));
        }
    }

    [Fact]
    public void WhatUsingItNeedsTravelsWithIt()
    {
        var use = new AdapterUse
        {
            Labels = ["spam", "ham", "a \"quoted\" label"],
            MaxTokens = 96,
            BaseModel = "mail-encoder",
            BaseFingerprint = new string('a', 64),
        };
        (Small with { Use = use }).Write(_folder);
        var read = PeftFolder.Read(_folder).Use!;
        Assert.Equal(use.Labels, read.Labels);
        Assert.Equal((use.MaxTokens, use.BaseModel, use.BaseFingerprint), (read.MaxTokens, read.BaseModel, read.BaseFingerprint));
        var card = File.ReadAllText(Path.Combine(_folder, "README.md"));
        Assert.Contains("base_model: \"mail-encoder\"", card, StringComparison.Ordinal);
        Assert.Contains("id2label", card, StringComparison.Ordinal);
        // transformers takes a folder with config.json for a whole model and would look for its weights there.
        Assert.False(File.Exists(Path.Combine(_folder, "config.json")));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"id2label":{"1":"ham","2":"spam"}}""")]
    [InlineData("""{"id2label":{"0":1}}""")]
    [InlineData("""{"max_tokens":1.5}""")]
    public void AUseThatCannotBeReadIsRefused(string text)
    {
        Small.Write(_folder);
        Assert.Null(PeftFolder.Read(_folder).Use);
        File.WriteAllText(Path.Combine(_folder, AdapterUse.FileName), text);
        var error = Assert.Throws<FedLoraException>(() => PeftFolder.Read(_folder));
        Assert.Equal("adapter-config-invalid", error.Code);
        Assert.Contains(AdapterUse.FileName, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("base_model.model.h.0.q.lora_A.default.weight", "save_pretrained")]
    [InlineData("base_model.model.embed_tokens.lora_embedding_A", "linear layers alone")]
    [InlineData("base_model.model.h.0.q.lora_magnitude_vector", "use_dora=False")]
    [InlineData("base_model.model.model.embed_tokens.weight", "modules_to_save")]
    [InlineData("base_model.model.bert.embeddings.word_embeddings.weight", "modules_to_save")]
    public void WhatAnAdapterMayNotHoldIsSaidWithWhatToDo(string name, string hint)
    {
        Small.Write(_folder);
        new AdapterState([.. Small.State, new AdapterTensor(name, [2, 2], new float[4])]).Save(Path.Combine(_folder, PeftFolder.ModelFile));
        Assert.Contains(hint, Assert.Throws<FedLoraException>(() => PeftFolder.Read(_folder)).Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r", "4.0", "a whole number")]
    [InlineData("r", "\"4\"", "a whole number")]
    [InlineData("rank_pattern", "{\"q\":2.0}", "a whole number")]
    [InlineData("rank_pattern", "[2]", "an object")]
    [InlineData("alpha_pattern", "{\"q\":\"8\"}", "a number")]
    [InlineData("layers_to_transform", "[1.0]", "a whole number")]
    [InlineData("layers_to_transform", "\"1\"", "a whole number")]
    [InlineData("lora_alpha", "\"8\"", "a number")]
    [InlineData("lora_dropout", "\"0.1\"", "a number")]
    [InlineData("use_rslora", "\"true\"", "true or false")]
    [InlineData("fan_in_fan_out", "0", "true or false")]
    [InlineData("target_modules", "5", "a list of names")]
    [InlineData("target_modules", "[\"q\",null]", "a list of names")]
    [InlineData("modules_to_save", "{}", "a list of names")]
    [InlineData("task_type", "1", "a text")]
    [InlineData("peft_type", "true", "a text")]
    public void WhatIsWantedIsSaidByName(string key, string value, string wanted)
    {
        Small.Write(_folder);
        var file = Path.Combine(_folder, PeftFolder.ConfigFile);
        var config = JsonNode.Parse(File.ReadAllText(file))!;
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(file, config.ToJsonString());
        var message = Assert.Throws<FedLoraException>(() => PeftFolder.Read(_folder)).Message;
        Assert.Contains($"'{key}', where {wanted} belongs", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r")]
    [InlineData("lora_alpha")]
    [InlineData("peft_type")]
    public void WhatIsMissingIsSaidByName(string key)
    {
        Small.Write(_folder);
        var file = Path.Combine(_folder, PeftFolder.ConfigFile);
        var config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        config.Remove(key);
        File.WriteAllText(file, config.ToJsonString());
        Assert.Contains($"has no '{key}'", Assert.Throws<FedLoraException>(() => PeftFolder.Read(_folder)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void EqualContentIsWrittenAsEqualBytes()
    {
        Small.Write(_folder);
        var (config, model) = (File.ReadAllBytes(Path.Combine(_folder, PeftFolder.ConfigFile)),
            File.ReadAllBytes(Path.Combine(_folder, PeftFolder.ModelFile)));
        PeftFolder.Read(_folder).Write(_folder);
        Assert.Equal(config, File.ReadAllBytes(Path.Combine(_folder, PeftFolder.ConfigFile)));
        Assert.Equal(model, File.ReadAllBytes(Path.Combine(_folder, PeftFolder.ModelFile)));
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    public static TheoryData<string, AdapterTensor[], string, string> Broken => new()
    {
        { "half of a pair", [new(A, [2, 3], new float[6])], "tensor-missing", B },
        { "other rank", [new(A, [3, 3], new float[9]), new(B, [5, 3], new float[15])], "tensor-shape", A },
        { "not a matrix", [new(A, [6], new float[6]), new(B, [5, 2], new float[10])], "tensor-shape", A },
        { "other module", [new("base_model.model.h.0.k.lora_A.weight", [2, 3], new float[6])], "tensor-unexpected", "h.0.k" },
        { "head not listed", [new("base_model.model.score.weight", [2, 3], new float[6])], "tensor-unexpected", "score.weight" },
        { "NaN", [new(A, [2, 3], [0, 0, float.NaN, 0, 0, 0]), new(B, [5, 2], new float[10])], "tensor-not-finite", A },
        { "R", [new("base_model.model.h.0.q.lora_R.weight", [2, 2], new float[4])], "tensor-unexpected", "lora_R" },
        { "DoRA", [new("base_model.model.h.0.q.lora_magnitude_vector", [2],
            new float[2])], "adapter-key-invalid", "lora_magnitude_vector" },
        { "embedding", [new("base_model.model.h.0.q.lora_embedding_A", [2], new float[2])], "adapter-key-invalid", "lora_embedding_A" },
        { "no prefix", [new("h.0.q.lora_A.weight", [2, 3], new float[6])], "adapter-key-invalid", "h.0.q.lora_A.weight" },
        { "nothing", [], "tensor-missing", "no tensor" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void NamesTheTensorThatDoesNotFit(string name, AdapterTensor[] tensors, string code, string tensor)
    {
        Small.Write(_folder);
        new AdapterState(tensors).Save(Path.Combine(_folder, PeftFolder.ModelFile));
        var error = Assert.Throws<FedLoraException>(() => PeftFolder.Read(_folder));
        Assert.True(error.Code == code, $"{name}: {error.Code}");
        Assert.Contains(tensor, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAdapterOfAnotherModelNamesTheFirstTensorThatDiffers()
    {
        var layout = Small.Layout();
        var more = layout with { Modules = layout.Modules.Add(new AdapterModule("h.1.q", 5, 3)) };
        Assert.Contains("h.1.q.lora_A", Assert.Throws<FedLoraException>(() => Small.RequireFits(more, "x")).Message,
            StringComparison.Ordinal);
        var fewer = layout with { Heads = [] };
        Assert.Contains("classifier.dense.bias", Assert.Throws<FedLoraException>(() => Small.RequireFits(fewer, "x")).Message,
            StringComparison.Ordinal);
        var wider = layout with { Modules = [layout.Modules[0] with { DIn = 4 }] };
        Assert.Contains("[2, 3] instead of [2, 4]", Assert.Throws<FedLoraException>(() => Small.RequireFits(wider, "x")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("peft_type", "\"ADALORA\"")]
    [InlineData("bias", "\"all\"")]
    [InlineData("use_dora", "true")]
    [InlineData("trainable_token_indices", "[1, 2]")]
    [InlineData("trainable_token_indices", "{\"embed_tokens\": [1, 2]}")]
    [InlineData("use_qalora", "true")]
    [InlineData("lora_bias", "true")]
    [InlineData("init_lora_weights", "\"pissa\"")]
    [InlineData("init_lora_weights", "\"loftq\"")]
    [InlineData("layer_replication", "[[0, 2]]")]
    [InlineData("loftq_config", "{\"loftq_bits\": 4}")]
    [InlineData("target_parameters", "[\"experts.weight\"]")]
    [InlineData("something_new", "1")]
    public void WhatIsNotSupportedIsRefusedByName(string key, string value)
    {
        Change(key, value);
        var error = Assert.Throws<FedLoraException>(() => PeftFolder.Read(_folder));
        Assert.Equal("adapter-unsupported", error.Code);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r", "0")]
    [InlineData("r", "\"8\"")]
    [InlineData("lora_alpha", "-1")]
    [InlineData("lora_dropout", "1.0")]
    [InlineData("target_modules", "\"(q\"")]
    [InlineData("target_modules", "null")]
    [InlineData("rank_pattern", "{\"q\": 0}")]
    public void ABadSettingIsRefused(string key, string value)
    {
        Change(key, value);
        Assert.Equal("adapter-config-invalid", Assert.Throws<FedLoraException>(() => PeftFolder.Read(_folder)).Code);
    }

    [Fact]
    public void AKeyOfTheFutureThatIsOffDoesNoHarm()
    {
        Change("something_new", "false");
        Assert.Equal(2, PeftFolder.Read(_folder).Config.Rank);
    }

    private void Change(string key, string value)
    {
        Small.Write(_folder);
        var file = Path.Combine(_folder, PeftFolder.ConfigFile);
        var json = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(file, json.ToJsonString());
    }

    private static string Canonical(JsonNode? node) => node switch
    {
        JsonArray list => string.Join(' ', list.Select(Canonical).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)),
        JsonObject map => string.Join(' ', map.Select(p => $"{p.Key}={Canonical(p.Value)}")),
        JsonValue value when value.TryGetValue<double>(out var number) => number.ToString("R", null),
        _ => node?.ToString() ?? "",
    };
}
