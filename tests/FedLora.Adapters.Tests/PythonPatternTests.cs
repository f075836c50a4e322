namespace FedLora.Adapters.Tests;

/// <summary>
/// Regular expressions mean here what Python's <c>re.fullmatch</c> makes of them (each line tried there with CPython 3.11), or are refused.
/// </summary>
public sealed class PythonPatternTests
{
    [Theory]
    [InlineData(@"(?P<layer>h)\.0\.(?P<name>q|v)", "h.0.v", true)]
    [InlineData(@"(?P<a>q)\.(v)\.\1", "q.v.q", true)]
    [InlineData(@"(?P<a>q)\.(v)\.\1", "q.v.v", false)]
    [InlineData(@"(?P<a>q)\.(?P=a)\.(v)\.\2", "q.q.v.v", true)]
    [InlineData(@"(q|k)_\1", "k_k", true)]
    [InlineData(@"(q)?(?(1)_a|_b)", "q_a", true)]
    [InlineData(@"(?P<x>q)?(?(x)_a|_b)", "_b", true)]
    [InlineData(@"(?P<x>q)?(?(x)_a|_b)", "_a", false)]
    [InlineData(@"q{,2}", "qq", true)]
    [InlineData(@"q{,2}", "", true)]
    [InlineData(@"q{,2}", "q{,2}", false)]
    [InlineData(@"q{1,2}?", "qq", true)]
    [InlineData(@"q{a}", "q{a}", true)]
    [InlineData(@"[a-z-[aeiou]+", "a[-", true)]
    [InlineData(@"[]q]+", "]q", true)]
    [InlineData(@"[^]q]+", "kv", true)]
    [InlineData(@"[\]q]+", "]q", true)]
    [InlineData(@"q\Z", "q", true)]
    [InlineData(@"(?i)Q", "q", true)]
    [InlineData(@"(?i:Q)v", "qv", true)]
    [InlineData(@"(?i:Q)v", "qV", false)]
    [InlineData(@"(?u)q", "q", true)]
    [InlineData(@"(?iu)Q", "q", true)]
    [InlineData(@"(?u:q)v", "qv", true)]
    [InlineData(@"(?#a (comment)q", "q", true)]
    [InlineData(@"(?>q+)v", "qqv", true)]
    [InlineData(@"(?!k)\w", "k", false)]
    [InlineData(@"q(?<=q)v", "qv", true)]
    [InlineData(@"\(?q\)?", "(q)", true)]
    [InlineData(@".*\.layers\.(?:[0-9]|1[0-5])\..*_proj", "model.layers.15.q_proj", true)]
    public void As_Python_reads_it(string expression, string module, bool expected) =>
        Assert.Equal(expected, new PeftModules([], expression).Matches(module));

    [Theory]
    [InlineData(@"(?<x>q)", "(?P<name>")]
    [InlineData(@"(?'x'q)", "(?P<name>")]
    [InlineData(@"\p{L}", @"\p")]
    [InlineData(@"\Gq", @"\G")]
    [InlineData(@"\k<x>", @"\k")]
    [InlineData(@"q++", "possessive")]
    [InlineData(@"(?n)q", "(?n")]
    [InlineData(@"(?P<x>q)(?P<x>v)", "twice")]
    [InlineData(@"(?P=x)", "'x'")]
    [InlineData(@"[q", "not closed")]
    [InlineData("q\\", "backslash")]
    [InlineData(@"(q", "not a regular expression")]
    [InlineData(@"q)|(?:v", "not a regular expression")]
    [InlineData(@".*(q|v_proj", "Invalid pattern '.*(q|v_proj'")]
    public void What_only_one_of_them_knows_is_refused_with_what_differs(string expression, string said)
    {
        var error = Assert.Throws<FedLoraException>(() => new PeftModules([], expression));
        Assert.Equal("adapter-config-invalid", error.Code);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Patterns_of_rank_and_layers_are_Pythons_too()
    {
        var config = new PeftConfig
        {
            Rank = 4,
            Alpha = 8,
            TargetModules = PeftModules.Of("q"),
            RankPattern = [new(@"(?P<n>0)\.q", 2)],
            LayersToTransform = [1],
            LayersPattern = ["(?P<list>h|layers)"],
        };
        Assert.Equal(2, config.RankOf("h.0.q"));
        Assert.True(config.Targets("model.layers.1.q"));
        Assert.False(config.Targets("model.layers.2.q"));
    }

    [Theory]
    [InlineData("q_proj", false)]
    [InlineData("self_attn.q_proj", false)]
    [InlineData("all-linear", true)]
    [InlineData(@".*\.q_proj", true)]
    [InlineData("(?P<x>q)_proj", true)]
    public void One_entry_of_a_federation_may_be_an_expression(string entry, bool expression)
    {
        Assert.Equal(expression ? entry : null, PeftModules.From([entry]).Expression);
        Assert.Null(PeftModules.From([entry, "v_proj"]).Expression);
    }
}
