using FedLora.Federations.Definitions;
using FedLora.Federations.Files;

namespace FedLora.Federations.Tests;

public class FederationFileTests
{
    private const string Small = """
        name: spam
        method: fedit
        rounds: 3
        task: { kind: classification, labels: [ham, spam] }
        lora: { rank: 8, alpha: 16, target_modules: [query, value] }
        """;

    [Fact]
    public void A_small_file_gets_the_defaults()
    {
        var definition = Read(Small).Definition;
        Assert.Equal("spam", definition.Name);
        Assert.Equal(["ham", "spam"], definition.Task.Labels);
        Assert.Equal(8, definition.Lora.Rank);
        Assert.Equal("adamw", definition.Training.Optimizer);
        Assert.Equal((10, 0.01, 256), (definition.Training.LocalSteps, definition.Training.WeightDecay, definition.Training.MaxTokens));
        Assert.Equal(8, Read(Small.Replace(", alpha: 16", "", StringComparison.Ordinal)).Definition.Lora.Alpha);
        Assert.Null(definition.Privacy);
        Assert.Equal(Weighting.Default, definition.Weighting);
    }

    [Fact]
    public void Every_section_is_read()
    {
        var definition = Read(Small.Replace("fedit", "lora-fair", StringComparison.Ordinal) + """

            seed: 7
            base_model: models/x
            weighting: uniform
            method_options: { lambda: 0.5, solver: least-squares, freeze_head: true }
            training: { local_steps: 5, batch_size: 4, optimizer: sgd, learning_rate: 0.1, schedule: cosine, dtype: bf16, max_tokens: 64 }
            privacy: { epsilon: 4, delta: 1e-6, clip_norm: 0.5, sampling_rate: 0.01 }
            cohort: { size: 4, over_select: 1.5, quorum: 3, deadline_seconds: 60, max_repeats: 2 }
            communication: { down: 1/16, up: 1/64, values: bf16, groups: { slow: { up: 1/256 } } }
            """).Definition;
        Assert.Equal(7ul, definition.Seed);
        Assert.Equal(0.5, definition.MethodOptions.Lambda);
        Assert.Equal(5, definition.Training.LocalSteps);
        Assert.Equal(0.01, definition.Privacy!.SamplingRate);
        Assert.Equal(3, definition.Cohort.Quorum);
        Assert.Equal(1.0 / 16, definition.Communication.Down);
        Assert.Equal(1.0 / 256, definition.Communication.Groups["slow"].Up);
        Assert.Equal(1.0 / 16, definition.Communication.Groups["slow"].Down);
    }

    [Theory]
    [InlineData("rouds: 3", "line 6: unknown key 'rouds'")]
    [InlineData("rouds: 3", "did you mean 'rounds'?")]
    [InlineData("training: { local_step: 3 }", "line 6: unknown key 'training.local_step'")]
    [InlineData("training: { local_step: 3 }", "did you mean 'local_steps'?")]
    [InlineData("training: { learning_rate: '1,5' }", "line 6: training.learning_rate: expected a number, found '1,5'")]
    [InlineData("training: { learning_rate: 0,002 }", "line 6: '002' stands where a key should; numbers have a decimal point, no comma")]
    [InlineData("privacy: { epsilon: 1,5, delta: 1e-5 }", "line 6: '5' stands where a key should")]
    [InlineData("cohort: { deadline_seconds: 1.5 }", "line 6: cohort.deadline_seconds: expected a whole number of seconds")]
    [InlineData("public_counts: { a: many }", "line 6: public_counts.a: expected a whole number")]
    [InlineData("weighting: unifrom", "did you mean 'uniform'?")]
    [InlineData("method_options: { extra: { init_step: 1 } }", "unknown key 'method_options.extra'")]
    [InlineData("training: { batch_size: many }", "line 6: training.batch_size: expected a whole number")]
    [InlineData("privacy: { epsilon: 1/0 }", "line 6: privacy.epsilon: expected a number")]
    [InlineData("weighting: examples-ish", "line 6: weighting: 'examples-ish' is not known")]
    public void What_is_wrong_is_named_with_its_line(string added, string expected)
    {
        var error = Assert.Throws<FedLoraException>(() => Read(Small + "\n" + added));
        Assert.Equal("yaml-invalid", error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ k: ", " }")]
    [InlineData("[", "]")]
    public void What_is_nested_too_deeply_is_refused_before_it_is_read(string open, string close)
    {
        string Nested(int depth) =>
            $"{Small}\ntask: {string.Concat(Enumerable.Repeat(open, depth))}1{string.Concat(Enumerable.Repeat(close, depth))}";
        Assert.Contains("line 6: not YAML: nested more than 32 deep",
            Assert.Throws<FedLoraException>(() => Read(Nested(40))).Message, StringComparison.Ordinal);
        Assert.DoesNotContain("nested", Assert.Throws<FedLoraException>(() => Read(Nested(20))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cohort: { size: 2, quorum: 3 }", "cohort.quorum")]
    [InlineData("training: { optimizer: adam }", "training.optimizer")]
    [InlineData("privacy: { epsilon: 0 }", "privacy.epsilon")]
    [InlineData("communication: { up: 2 }", "communication.up")]
    [InlineData("weighting: public-counts", "public_counts")]
    [InlineData("training: { max_tokens: 1 }", "training.max_tokens")]
    [InlineData("communication: { values: bf61 }",
        "communication.values: 'bf61' is not allowed; it must be one of f32, bf16, f16, int8, int4; did you mean 'bf16'?")]
    [InlineData("communication: { groups: { slow: { up: 0 } } }", "communication.groups.slow.up")]
    [InlineData("cohort: { size: 2, fraction: 0.5 }", "cohort.fraction")]
    [InlineData("retention: { update_rounds: -2 }", "retention.update_rounds")]
    [InlineData("robust: { rule: krumm }",
        "robust.rule: 'krumm' is not allowed; it must be one of none, median, trimmed-mean, krum; did you mean 'krum'?")]
    [InlineData("robust: { outliers: 0 }", "robust.outliers")]
    [InlineData("robust: { norm_bound: -1 }", "robust.norm_bound")]
    [InlineData("robust: { rule: krum }\ncohort: { size: 8, quorum: 4 }", "cohort.quorum: '4' is not allowed; it must be at least 5")]
    [InlineData("robust: { rule: median, outliers: 2 }", "cohort.quorum: '0' is not allowed; it must be at least 5")]
    [InlineData("training: { keep_optimizer: true, optimizer: sgd }", "training.keep_optimizer")]
    [InlineData("max_weight: 0.5", "max_weight: '0.5' is not allowed; it must be 0 or at least 1")]
    public void What_is_out_of_range_names_the_setting(string added, string setting)
    {
        var error = Assert.Throws<FedLoraException>(() => Read(Small + "\n" + added));
        Assert.Equal("federation-invalid", error.Code);
        Assert.StartsWith(setting, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fedit", "init: lora-sb", "'lora-sb' is not allowed; it must be left out under fedit; it is an option of fed-sb")]
    [InlineData("ffa-lora", "lambda: 0.01", "it is an option of lora-fair")]
    [InlineData("fed-sb", "solver: cosine", "it is an option of lora-fair")]
    [InlineData("lora-fair", "truncate_rank: 3", "it is an option of fedex-lora")]
    [InlineData("lora-fair", "solver: newton", "it must be one of cosine, least-squares")]
    [InlineData("fedit", "init_step: 1", "it is an option of fed-sb")]
    public void An_option_that_the_method_does_not_look_at_is_refused(string method, string option, string expected)
    {
        var error = Assert.Throws<FedLoraException>(
            () => Read(Small.Replace("fedit", method, StringComparison.Ordinal) + $"\nmethod_options: {{ {option} }}"));
        Assert.Equal("federation-invalid", error.Code);
        Assert.StartsWith("method_options." + option.Split(':')[0], error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fedit", true)]
    [InlineData("ffa-lora", true)]
    [InlineData("fed-sb", true)]
    [InlineData("hetlora", true)]
    [InlineData("fedsvd", false)]
    [InlineData("flora", false)]
    [InlineData("flexlora", false)]
    [InlineData("rolora", false)]
    public void An_optimiser_is_kept_where_rounds_train_the_same_entries(string method, bool isTaken)
    {
        var text = Small.Replace("fedit", method, StringComparison.Ordinal) + "\ntraining: { keep_optimizer: true }";
        if (isTaken)
            Assert.True(Read(text).Definition.Training.KeepOptimizer);
        else
            Assert.Contains($"left out under {method}", Assert.Throws<FedLoraException>(() => Read(text)).Message,
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fedit", "median", true)]
    [InlineData("fedit", "krum", true)]
    [InlineData("ffa-lora", "krum", true)]
    [InlineData("flora", "krum", true)]
    [InlineData("ffa-lora", "trimmed-mean", false)]
    [InlineData("lora-fair", "median", false)]
    [InlineData("hetlora", "median", false)]
    public void A_rule_that_the_method_cannot_keep_its_promise_with_is_refused(string method, string rule, bool isTaken)
    {
        var text = Small.Replace("fedit", method, StringComparison.Ordinal) + $"\nrobust: {{ rule: {rule} }}\ncohort: {{ size: 8 }}";
        if (isTaken)
            Assert.Equal(rule, Read(text).Definition.Robust.Rule);
        else
            Assert.Contains($"Method '{method}'", Assert.Throws<FedLoraException>(() => Read(text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fed-sb", "init: svd-of-weights")]
    [InlineData("lora-fair", "lambda: 0.5, solver: least-squares")]
    [InlineData("fedex-lora", "truncate_rank: 3")]
    [InlineData("fed-sb", "init: lora-sb, init_step: 0.01")]
    [InlineData("fedsvd", "freeze_head: true")]
    public void An_option_of_the_method_is_taken(string method, string options) =>
        Assert.Equal(method,
            Read(Small.Replace("fedit", method, StringComparison.Ordinal) + $"\nmethod_options: {{ {options} }}").Definition.Method);

    [Fact]
    public void A_method_that_is_misspelt_is_offered_the_nearest() =>
        Assert.Contains("did you mean 'fedit'?",
            Assert.Throws<FedLoraException>(() => Read(Small.Replace("fedit", "fedti", StringComparison.Ordinal))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Every_setting_that_nothing_reached_before_can_be_set()
    {
        var definition = Read(Small + """

            training: { max_update_norm: 5 }
            cohort: { fraction: 1/2, sampling_timeout_seconds: 60 }
            retention: { update_rounds: 3, adapter_rounds: 4 }
            """).Definition;
        Assert.Equal((5, 0.5, TimeSpan.FromMinutes(1)),
            (definition.Training.MaxUpdateNorm, definition.Cohort.Fraction, definition.Cohort.SamplingTimeout));
        Assert.Equal(new RetentionSpec { UpdateRounds = 3, AdapterRounds = 4 }, definition.Retention);
    }

    [Fact]
    public void Example_counts_do_not_weigh_under_privacy() =>
        Assert.Equal("federation-invalid",
            Assert.Throws<FedLoraException>(() => Read(Small + "\nweighting: examples\nprivacy: { epsilon: 3 }")).Code);

    [Theory]
    [InlineData("")]
    [InlineData("- a\n- b")]
    [InlineData("a: [1")]
    public void What_is_no_mapping_is_refused(string text) =>
        Assert.Equal("yaml-invalid", Assert.Throws<FedLoraException>(() => Read(text)).Code);

    private static FederationFile Read(string text) => FederationFile.Read(YamlMap.Parse("file.yaml", new StringReader(text)), "/folder");
}
