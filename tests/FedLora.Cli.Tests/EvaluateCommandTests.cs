using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Federations.Exports;
using FedLora.Training.Preparation;

namespace FedLora.Cli.Tests;

/// <summary>An exported adapter says all that measuring it needs.</summary>
public sealed class EvaluateCommandTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task The_adapters_own_order_of_labels_counts()
    {
        var adapter = Export(["spam", "ham"]);
        var data = _scratch.File("data.jsonl", Mail);
        var stated = await EvaluateAsync(adapter, data);
        Assert.Equal(Loss(await EvaluateAsync(adapter, data, "--labels", "spam,ham")), Loss(stated), 1e-9);
        Assert.NotEqual(Loss(await EvaluateAsync(adapter, data, "--labels", "ham,spam")), Loss(stated), 1e-6);
        Assert.False(stated.Result.GetProperty("new_head").GetBoolean());
        Assert.DoesNotContain("adapter", stated.Remarks, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Data_of_one_label_is_enough()
    {
        var adapter = Export(["spam", "ham"]);
        var (result, _) = await EvaluateAsync(adapter, _scratch.File("one.jsonl", "{\"text\":\"free money\",\"label\":\"ham\"}\n"));
        Assert.Equal(1, result.GetProperty("examples").GetInt32());
        // Without its file the adapter does not say which class that is.
        File.Delete(Path.Combine(adapter, AdapterUse.FileName));
        Assert.Equal("labels-unknown",
            (await _scratch.FailsAsync(1, "evaluate", "--model", Scratch.Model, "--adapter", adapter, "--data", _scratch["one.jsonl"]))
                .Code);
    }

    [Fact]
    public async Task Every_class_has_its_figures_and_a_picture()
    {
        var adapter = Export(["spam", "ham"]);
        var data = _scratch.File("data.jsonl", Mail);
        var (result, remarks) = await EvaluateAsync(adapter, data, "--plots", _scratch["pictures"], "--batch", "2");
        var (classes, confusion) = (result.GetProperty("classes").EnumerateArray().ToArray(),
            result.GetProperty("confusion").EnumerateArray().Select(row => row.EnumerateArray().Select(n => n.GetInt64()).ToArray())
                .ToArray());
        Assert.Equal(["spam", "ham"], classes.Select(one => one.GetProperty("label").GetString()));
        Assert.Equal([1, 2], classes.Select(one => one.GetProperty("support").GetInt32()));
        Assert.Equal([1, 2], confusion.Select(row => row.Sum()));
        Assert.Equal(result.GetProperty("accuracy").GetDouble(), (confusion[0][0] + confusion[1][1]) / 3.0, 1e-12);
        Assert.Equal(3, result.GetProperty("calibration").EnumerateArray().Sum(bin => bin.GetProperty("count").GetInt32()));
        foreach (var name in (string[])["confusion.svg", "calibration.svg"])
        {
            Assert.Contains(_scratch[$"pictures/{name}"], remarks, StringComparison.Ordinal);
            System.Xml.Linq.XDocument.Load(_scratch[$"pictures/{name}"]);
        }
        Assert.Contains(">spam<", File.ReadAllText(_scratch["pictures/confusion.svg"]), StringComparison.Ordinal);
        Assert.Equal("usage", (await _scratch.FailsAsync(2, "evaluate", "--model", Scratch.Model, "--adapter", adapter, "--data", data,
            "--stride", "8")).Code);
        Assert.Equal(Loss(await EvaluateAsync(adapter, data)), result.GetProperty("loss").GetDouble(), 1e-5);
    }

    [Fact]
    public async Task Labels_that_were_guessed_are_said()
    {
        var adapter = Export(["spam", "ham"]);
        File.Delete(Path.Combine(adapter, AdapterUse.FileName));
        Assert.Contains("ham, spam", (await EvaluateAsync(adapter, _scratch.File("data.jsonl", Mail))).Remarks, StringComparison.Ordinal);
    }

    /// <summary>The model's labels are those of its own head, which the adapter's takes the place of.</summary>
    [Fact]
    public async Task A_head_of_another_size_in_the_adapter_takes_the_place_of_the_models()
    {
        var adapter = Export(["spam", "ham"]);
        File.Delete(Path.Combine(adapter, AdapterUse.FileName));
        var model = _scratch.ModelWith("config.json", bytes =>
        {
            var config = System.Text.Json.Nodes.JsonNode.Parse(bytes)!;
            config["architectures"] = new System.Text.Json.Nodes.JsonArray("BertForSequenceClassification");
            config["id2label"] = System.Text.Json.Nodes.JsonNode.Parse("""{"0":"x","1":"y","2":"z"}""");
            return System.Text.Encoding.UTF8.GetBytes(config.ToJsonString());
        });
        var (result, remarks) = await Scratch.SucceedsAsync("evaluate", "--model", model, "--adapter", adapter, "--data",
            _scratch.File("data.jsonl", Mail));
        Assert.Equal(3, result.GetProperty("examples").GetInt32());
        Assert.Contains("ham, spam", remarks, StringComparison.Ordinal);
    }

    /// <summary>What was exported beside the base model, as one model that says its labels itself.</summary>
    [Fact]
    public async Task A_merged_model_measures_as_base_and_adapter_do()
    {
        var adapter = Export(["spam", "ham"]);
        var folder = PeftFolder.Read(adapter);
        (folder with
        {
            State = new AdapterState(folder.State.Select(t => AdapterKey.Parse(t.Name).Factor != Factors.B ? t
                : t with { Values = [.. t.Values.Index().Select(v => MathF.Sin(v.Index) / 4)] })),
        }).Write(adapter);
        var data = _scratch.File("data.jsonl", Mail);
        var (merged, _) = await Scratch.SucceedsAsync("adapter", "merge", adapter, "--model", Scratch.Model, "--out", _scratch["merged"],
            "--max-shard-size", "2MB");
        Assert.True(merged.GetProperty("files").GetArrayLength() > 1);
        var (measured, _) = await Scratch.SucceedsAsync("evaluate", "--model", _scratch["merged"], "--data", data, "--dtype", "f32");
        // The base model's weights are stored in float16, and so are the merged ones.
        Assert.Equal(Loss(await EvaluateAsync(adapter, data)), measured.GetProperty("loss").GetDouble(), 1e-3);
        Assert.NotEqual(Loss(await EvaluateAsync(Export(["spam", "ham"]), data)),
            measured.GetProperty("loss").GetDouble(), 5e-3);
        Assert.Equal("out-not-empty", (await _scratch.FailsAsync(1, "adapter", "merge", adapter, "--model", Scratch.Model, "--out",
            _scratch["merged"])).Code);
        Assert.Equal("usage", (await _scratch.FailsAsync(2, "adapter", "merge", adapter, "--model", Scratch.Model, "--out",
            _scratch["other"], "--max-shard-size", "1,5GB")).Code);
    }

    [Fact]
    public async Task Texts_are_cut_to_what_the_adapter_was_trained_on()
    {
        var adapter = Export(["spam", "ham"]);
        var data = _scratch.File("long.jsonl", $$"""{"text":"{{string.Join(' ', Enumerable.Repeat("word", 60))}}","label":"ham"}""" + "\n");
        Assert.Equal(1, (await EvaluateAsync(adapter, data)).Result.GetProperty("truncated").GetInt32());
        Assert.Equal(0, (await EvaluateAsync(adapter, data, "--max-length", "128")).Result.GetProperty("truncated").GetInt32());
    }

    [Fact]
    public async Task An_adapter_without_a_head_on_a_base_without_one_is_said()
    {
        var adapter = Export(["spam", "ham"]);
        var folder = PeftFolder.Read(adapter);
        new PeftFolder(folder.Config with { ModulesToSave = [] }, folder.State.Only(Factors.A | Factors.B)) { Use = folder.Use }
            .Write(_scratch["bare"]);
        var (result, remarks) = await EvaluateAsync(_scratch["bare"], _scratch.File("data.jsonl", Mail));
        Assert.True(result.GetProperty("new_head").GetBoolean());
        Assert.Contains("Neither checkpoint nor adapter has classifier.", remarks, StringComparison.Ordinal);
        (_, remarks) = await Scratch.SucceedsAsync("evaluate", "--model", Scratch.Model, "--labels", "ham,spam", "--data",
            _scratch.File("data.jsonl", Mail));
        Assert.Contains("The checkpoint has no classifier.", remarks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_base_model_than_the_adapters_is_said()
    {
        var adapter = Export(["spam", "ham"]);
        var other = _scratch.ModelWith("model.safetensors", bytes => [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]);
        var (_, remarks) = await Scratch.SucceedsAsync("evaluate", "--model", other, "--adapter", adapter, "--data",
            _scratch.File("data.jsonl", Mail));
        Assert.Contains("another base model", remarks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_base_without_pooler_gets_one_that_is_trained_and_exported()
    {
        var model = _scratch.ModelWith("model.safetensors", bytes =>
        {
            var state = AdapterState.FromBytes(bytes);
            return new AdapterState(state.Where(t => !t.Name.Contains("pooler", StringComparison.Ordinal))).ToBytes();
        });
        var prepared = FederationPreparation.Prepare(Definition(["spam", "ham"]), model, null, default);
        Assert.Contains("bert.pooler.dense", Assert.Single(prepared.Remarks), StringComparison.Ordinal);
        Assert.Contains("base_model.model.bert.pooler.dense.weight", prepared.InitialAdapter.Names);
        AdapterExport.ToPeft(prepared.Definition, prepared.InitialAdapter, 1, [], null).Write(_scratch["adapter"]);
        var (result, _) = await Scratch.SucceedsAsync("evaluate", "--model", model, "--adapter", _scratch["adapter"], "--data",
            _scratch.File("data.jsonl", Mail));
        Assert.False(result.GetProperty("new_head").GetBoolean());
    }

    [Fact]
    public void What_nodes_would_meet_is_met_at_creation()
    {
        var broken = _scratch.ModelWith("tokenizer.json", _ => null);
        Assert.Equal("tokenizer-missing",
            Assert.Throws<FedLoraException>(() => FederationPreparation.Prepare(Definition(["spam", "ham"]), broken, null, default)).Code);
    }

    private const string Mail = """
        {"text":"free money, click here","label":"spam"}
        {"text":"the meeting is moved to noon","label":"ham"}
        {"text":"see you at the meeting","label":"ham"}

        """;

    private static double Loss((System.Text.Json.JsonElement Result, string Remarks) evaluated) =>
        evaluated.Result.GetProperty("loss").GetDouble();

    private static Task<(System.Text.Json.JsonElement Result, string Remarks)> EvaluateAsync(string adapter, string data,
        params string[] more) =>
            Scratch.SucceedsAsync(["evaluate", "--model", Scratch.Model, "--adapter", adapter, "--data", data, "--dtype", "f32", .. more]);

    private string Export(string[] labels)
    {
        var prepared = FederationPreparation.Prepare(Definition(labels), Scratch.Model, null, default);
        AdapterExport.ToPeft(prepared.Definition, prepared.InitialAdapter, 1, [], null).Write(_scratch["adapter"]);
        return _scratch["adapter"];
    }

    private static FederationDefinition Definition(string[] labels) => new()
    {
        Name = "mail",
        BaseModel = new BaseModelSpec { Fingerprint = "" },
        Layout = new LayoutSpec { Modules = [] },
        Task = new TaskSpec { Kind = LearningTask.Classification, Labels = [.. labels] },
        Method = "fedit",
        Lora = new LoraSpec { Rank = 2, Alpha = 4, TargetModules = ["query", "value"] },
        Training = new TrainingSpec { MaxTokens = 32 },
        Rounds = 1,
    };
}
