namespace FedLora.Adapters.Tests;

/// <summary>Which modules are meant, as PEFT's <c>check_target_module_exists</c> decides it.</summary>
public sealed class PeftConfigTests
{
    private static PeftConfig Of(PeftModules targets) => new() { Rank = 4, Alpha = 8, TargetModules = targets };

    [Theory]
    [InlineData("q", "h.0.q", true)]
    [InlineData("q", "q", true)]
    [InlineData("q", "h.0.xq", false)]
    [InlineData("attn.q", "h.0.attn.q", true)]
    [InlineData("h.0.q", "h.0.q", true)]
    [InlineData("h.0.q", "h.1.q", false)]
    public void NamesMatchWholeLastParts(string name, string module, bool expected) =>
        Assert.Equal(expected, Of(PeftModules.Of(name)).Targets(module));

    [Theory]
    [InlineData(@".*\.(q|v)", "h.0.q", true)]
    [InlineData(@".*\.(q|v)", "h.0.q.x", false)]
    [InlineData("q|v", "vx", false)]
    [InlineData("all-linear", "anything", true)]
    public void AnExpressionMatchesTheWholePath(string expression, string module, bool expected) =>
        Assert.Equal(expected, Of(new PeftModules([], expression)).Targets(module));

    [Fact]
    public void ExclusionWins() =>
        Assert.False((Of(new PeftModules([], "all-linear")) with { ExcludeModules = PeftModules.Of("lm_head") }).Targets("lm_head"));

    [Fact]
    public void LayersToTransformLookAtTheLayersNumber()
    {
        var config = Of(PeftModules.Of("q")) with { LayersToTransform = [1, 10] };
        Assert.True(config.Targets("model.layers.1.attn.q"));
        Assert.True(config.Targets("model.layers.10.attn.q"));
        Assert.False(config.Targets("model.layers.0.attn.q"));
        Assert.False(config.Targets("model.q"));
        Assert.False((config with { LayersPattern = ["h"] }).Targets("model.layers.1.attn.q"));
        Assert.True((config with { LayersPattern = ["h", "layers"] }).Targets("model.layers.1.attn.q"));
    }

    [Fact]
    public void TheFirstPatternThatMatchesGivesTheRank()
    {
        var config = Of(PeftModules.Of("q")) with { RankPattern = [new("layers.0.q", 2), new("q", 6)] };
        Assert.Equal((2, 6, 4), (config.RankOf("model.layers.0.q"), config.RankOf("model.layers.1.q"), config.RankOf("model.layers.1.xq")));
    }

    [Fact]
    public void ALayoutListsTensorsWithTheirShapes()
    {
        var config = Of(PeftModules.Of("q")) with { ModulesToSave = ["classifier"], UseRsLora = true };
        var layout = config.LayoutFor([new("h.0.q", 5, 3), new("h.0.k", 5, 3)],
            [new("classifier.dense.weight", [2, 3]), new("norm.weight", [3])]);
        Assert.Equal(4.0, layout.Scale);
        Assert.Equal(
            ["base_model.model.classifier.dense.weight [2 3]", "base_model.model.h.0.q.lora_A.weight [4 3]",
                "base_model.model.h.0.q.lora_B.weight [5 4]", "base_model.model.h.0.q.lora_R.weight [4 4]"],
            layout.Tensors(Factors.A | Factors.B | Factors.R | Factors.Head).Select(t => $"{t.Name} [{string.Join(' ', t.Shape)}]"));
        Assert.Equal(12 + 20 + 6, layout.ParameterCount(Factors.A | Factors.B | Factors.Head));
        Assert.Equal(layout.Scale, layout.WithRankKeepingScale(9).Scale, 12);
        Assert.Equal("adapter-target-missing", Assert.Throws<FedLoraException>(() => config.LayoutFor([new("h.0.k", 5, 3)], [])).Code);
    }

    /// <summary>PEFT holds it against the whole name.</summary>
    [Fact]
    public void AnExpressionThatMatchesNothingIsToldHowToBegin() =>
        Assert.Contains("against a whole name, such as h.0.q: begin it with .*",
            Assert.Throws<FedLoraException>(() => Of(new PeftModules([], "q|v")).LayoutFor([new("h.0.q", 5, 3)], [])).Hint,
            StringComparison.Ordinal);
}
