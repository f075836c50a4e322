using System.Text.Json.Nodes;
using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Data;
using FedLora.Training.Merging;
using FedLora.Training.Models;
using FedLora.Training.Running;
using FedLora.Training.Tests.Models;

namespace FedLora.Training.Tests.Merging;

/// <summary>Heads that a merged model has and its base model had not, or had for something else too.</summary>
[Trait("Category", "Fixtures")]
public sealed class MergedHeadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-merge-").FullName;

    public static TheoryData<string> Tied => TiedHeadTests.Tied;

    private string To => Path.Combine(_folder, "merged");

    private string Adapter => Path.Combine(_folder, "adapter");

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Tied))]
    public void A_tied_head_that_has_a_product_gets_a_tensor_of_its_own(string name)
    {
        var model = ModelFamily.ReadFolder(Fixtures.PathOf("models", name));
        var config = new PeftConfig { Rank = 2, Alpha = 3, TargetModules = PeftModules.Of("lm_head"), TaskType = "CAUSAL_LM" };
        RequireUntied(name, config, new AdapterState([
            Random(new AdapterKey("lm_head", Factors.A).Name, 2, model.Width),
            Random(new AdapterKey("lm_head", Factors.B).Name, model.Vocabulary, 2)]));
    }

    [FixtureTheory("models", "model.safetensors")]
    [MemberData(nameof(Tied))]
    public void A_tied_head_that_was_trained_whole_gets_a_tensor_of_its_own(string name)
    {
        var model = ModelFamily.ReadFolder(Fixtures.PathOf("models", name));
        var targets = ModelLayout.Settings(model, 1, 1).TargetModules;
        var layout = ModelLayout.For(model, ModelLayout.Settings(model, 1, 1));
        var state = new AdapterState([
            Random("base_model.model.lm_head.weight", model.Vocabulary, model.Width),
            .. layout.Modules.SelectMany(m => new[]
            {
                Random(new AdapterKey(m.Name, Factors.A).Name, 1, m.DIn), Random(new AdapterKey(m.Name, Factors.B).Name, m.DOut, 1),
            })]);
        RequireUntied(name, new PeftConfig
        {
            Rank = 1,
            Alpha = 1,
            TargetModules = targets,
            ModulesToSave = ["lm_head"],
            TaskType = "CAUSAL_LM",
        }, state);
    }

    /// <summary>As a federation's export has it: the head, and a pooler that the base model lacks.</summary>
    [FixtureTheory("models", "model.safetensors")]
    [InlineData("bert-mlm", false)]
    [InlineData("bert-mlm", true)]
    public void A_classifiers_new_head_makes_it_a_classifier(string name, bool isBare)
    {
        var folder = Fixtures.PathOf("models", name);
        if (isBare)
            folder = Bare(folder);
        string[] labels = ["ham", "spam", "other"];
        var model = ModelFamily.ReadFolder(folder, ModelTask.Classification, labels);
        var config = ModelLayout.Settings(model, 1, 1) with { ModulesToSave = ["classifier", "bert.pooler.dense"] };
        var layout = ModelLayout.For(model, config);
        var tensors = layout.Modules.SelectMany(m => new[]
        {
            Random(new AdapterKey(m.Name, Factors.A).Name, 1, m.DIn), Random(new AdapterKey(m.Name, Factors.B).Name, m.DOut, 1),
        }).Concat(layout.Heads.Select(head => Random($"base_model.model.{head.Name}", [.. head.Shape])));
        new PeftFolder(config, new AdapterState(tensors)) { Use = new AdapterUse { Labels = labels, BaseModel = name, Privacy = "Kept." } }
            .Write(Adapter);
        var result = AdapterMerge.Run(folder, Adapter, To);
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(To, "config.json")))!;
        Assert.Equal("BertForSequenceClassification", json["architectures"]![0]!.ToString());
        Assert.Equal("spam", json["id2label"]!["1"]!.ToString());
        Assert.Equal(2, json["label2id"]!["other"]!.GetValue<int>());
        Assert.Contains("Kept.", File.ReadAllText(Path.Combine(To, "README.md")), StringComparison.Ordinal);
        using (var weights = SafetensorsFolder.Open(To))
        {
            // Under one prefix, and without the head of the other task.
            Assert.All(weights.Names, tensor => Assert.Matches("^(bert|classifier)\\.", tensor));
            Assert.Contains("bert.pooler.dense.weight", weights.Names);
        }
        Assert.Equal(labels, ModelFamily.ReadFolder(To).Labels);
        RequireSame(folder);
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("bert-mlm")]
    public void A_head_that_nobody_has_trained_is_refused(string name)
    {
        var folder = Fixtures.PathOf("models", name);
        var adapter = PeftFolder.Read(Path.Combine(folder, "adapter"));
        (adapter with { Config = adapter.Config with { TaskType = "SEQ_CLS" }, Use = new AdapterUse { Labels = ["ham", "spam"] } })
            .Write(Adapter);
        var error = Assert.Throws<FedLoraException>(() => AdapterMerge.Run(folder, Adapter, To));
        Assert.Equal("merge-head-missing", error.Code);
        Assert.Contains("'bert.pooler.dense.weight'", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void RequireUntied(string name, PeftConfig config, AdapterState state)
    {
        var folder = Fixtures.PathOf("models", name);
        new PeftFolder(config, state).Write(Adapter);
        Assert.True(AdapterMerge.Run(folder, Adapter, To).Untied);
        Assert.False(ModelFamily.ReadFolder(To).TiedHead);
        using (var before = SafetensorsFolder.Open(folder))
        using (var after = SafetensorsFolder.Open(To))
        {
            Assert.Equal(before.Names.Append("lm_head.weight").Order(StringComparer.Ordinal),
                after.Names.Order(StringComparer.Ordinal));
            var embedding = $"{ModelFamily.ReadFolder(folder).Names.Words}.weight";
            var words = before.Names.Single(n => n.EndsWith(embedding, StringComparison.Ordinal));
            Assert.True(before.FileOf(words).Bytes(words).SequenceEqual(after.FileOf(words).Bytes(words)));
        }
        RequireSame(folder);
    }

    // Side by side and merged: the same loss and hits on the same tokens.
    private void RequireSame(string folder)
    {
        using var apart = AdaptedModel.Load(folder, Adapter, new LoadOptions());
        using var merged = BaseModel.Load(To);
        Assert.Empty(merged.MadeTensors);
        var model = apart.Base.Architecture;
        var examples = Enumerable.Range(0, 6).Select(i =>
        {
            int[] tokens = [.. Enumerable.Range(0, 5 + i).Select(t => ((17 * t) + (5 * i)) % model.Vocabulary)];
            return model.Task == ModelTask.Classification ? new Example(tokens) { Class = i % model.Labels.Count }
                : new Example(tokens) { Labels = tokens };
        }).ToList();
        var (expected, actual) = (Evaluator.Run(apart.Base.Transformer, examples), Evaluator.Run(merged.Transformer, examples));
        Assert.Equal(expected.Loss, actual.Loss, 1e-4 * expected.Loss);
        Assert.Equal(expected.Accuracy, actual.Accuracy);
    }

    // As the hub has many: the model without its head, its tensors without the prefix.
    private string Bare(string folder)
    {
        var bare = Directory.CreateDirectory(Path.Combine(_folder, "bare")).FullName;
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        config["architectures"] = new JsonArray("BertModel");
        File.WriteAllText(Path.Combine(bare, "config.json"), config.ToJsonString());
        new AdapterState(AdapterState.Load(Path.Combine(folder, "model.safetensors"))
            .Where(t => t.Name.StartsWith("bert.", StringComparison.Ordinal))
            .Select(t => t with { Name = t.Name["bert.".Length..] }))
            .Save(Path.Combine(bare, "model.safetensors"));
        return bare;
    }

    private static AdapterTensor Random(string name, params int[] shape)
    {
        var random = new Random(name.Length + shape[0]);
        return new AdapterTensor(name, shape,
            [.. Enumerable.Range(0, AdapterTensor.Count(shape)).Select(_ => (float)(0.5 * (random.NextDouble() - 0.5)))]);
    }
}
