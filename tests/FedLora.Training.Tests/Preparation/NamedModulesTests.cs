using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Tests;
using FedLora.Training.Preparation;

namespace FedLora.Training.Tests.Preparation;

/// <summary>Modules that a federation's file names: found out where it is created, not in round 1 or never.</summary>
public sealed class NamedModulesTests
{
    private static readonly string Model = Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder");

    [Theory]
    [InlineData("q_proj,value", "", "lora.target_modules: the base model", "has no module 'q_proj'")]
    [InlineData("query,valeu", "", "has no module 'valeu'", "did you mean 'value'?")]
    [InlineData("query", "clasifier", "lora.modules_to_save: the base model", "has no module 'clasifier'; did you mean 'classifier'?")]
    [InlineData("query", "classifier,score", "lora.modules_to_save", "has no module 'score'")]
    public void A_name_that_the_base_model_does_not_know_is_refused(string targets, string saved, string said, string near)
    {
        var error = Assert.Throws<FedLoraException>(() => Prepare(targets, saved));
        Assert.Equal("adapter-target-missing", error.Code);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.Contains(near, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("Name one of: ", error.Hint, StringComparison.Ordinal);
    }

    /// <summary>"No module 'bert'; did you mean 'bert'?": what is offered can be named.</summary>
    [Fact]
    public void What_is_offered_is_taken()
    {
        var error = Assert.Throws<FedLoraException>(() => Prepare("bert", ""));
        Assert.DoesNotContain("did you mean", error.Message, StringComparison.Ordinal);
        var offered = error.Hint["Name one of: ".Length..].TrimEnd('.').Split(", ");
        Assert.NotEmpty(offered);
        Assert.All(offered, name => Assert.NotEmpty(Prepare(name, "").Definition.Layout.Modules));
    }

    [Theory]
    [InlineData("query,value", "classifier")]
    [InlineData("attention.self.query", "")]
    [InlineData("all-linear", "")]
    [InlineData(".*query", "")]
    public void Names_that_it_knows_are_not(string targets, string saved) =>
        Assert.NotEmpty(Prepare(targets, saved).Definition.Layout.Modules);

    [Fact]
    public void An_embedding_starts_as_the_base_models_and_is_not_trained_privately()
    {
        const string words = "bert.embeddings.word_embeddings.weight";
        var prepared = Prepare("query", "classifier,word_embeddings");
        Assert.Contains(prepared.Definition.Layout.Head, head => head.Name.EndsWith(words, StringComparison.Ordinal));
        using var file = SafetensorsFolder.Open(Model);
        var stored = file.Names.Single(name => name.EndsWith("word_embeddings.weight", StringComparison.Ordinal));
        Assert.Equal(file.FileOf(stored).ReadFloats(stored), prepared.InitialAdapter[$"base_model.model.{words}"].Values);
        Assert.Equal("embedding-private",
            Assert.Throws<FedLoraException>(() => Prepare("query", "classifier,word_embeddings", new() { NoiseMultiplier = 1 })).Code);
        // All of BERT's embeddings, their norm too.
        Assert.Equal(7, Prepare("query", "classifier,embeddings").Definition.Layout.Head.Count);
    }

    private static FederationPreparation Prepare(string targets, string saved, PrivacySpec? privacy = null) =>
        FederationPreparation.Prepare(new FederationDefinition
        {
            Name = "mail",
            BaseModel = new() { Fingerprint = "" },
            Layout = new() { Modules = [] },
            Method = "fedit",
            Rounds = 1,
            Privacy = privacy,
            Task = new() { Kind = LearningTask.Classification, Labels = ["ham", "spam"] },
            Lora = new()
            {
                Rank = 2,
                Alpha = 4,
                TargetModules = targets.Split(','),
                ModulesToSave = saved.Split(',', StringSplitOptions.RemoveEmptyEntries),
            },
            Training = new() { LocalSteps = 1, BatchSize = 1, MaxTokens = 16 },
        },
        Model, null, TestContext.Current.CancellationToken);
}
