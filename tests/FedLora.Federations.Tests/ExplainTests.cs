using System.Text.Json;
using System.Text.Json.Nodes;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Federations.Files;
using FedLora.Protocol.Mapping;
using FedLora.Tests;
using Json.Schema;
using YamlDotNet.RepresentationModel;

namespace FedLora.Federations.Tests;

/// <summary>What is said of a federation file: the explained file, the schema for editors, the page of the documentation.</summary>
public sealed class ExplainTests
{
    public static TheoryData<string> Texts =>
        [Samples.Least, Samples.Full,
            .. Methods.All.Select(method => Samples.Least.Replace("fedit", method.Name, StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Texts))]
    public void The_explained_file_reads_to_the_same_and_explains_itself(string text)
    {
        var file = Samples.Read(text);
        var explained = Explain(file);
        var again = Samples.Read(explained);
        Assert.Equal((file.ModelFolder, file.PublicData), (again.ModelFolder, again.PublicData));
        // Options of the method are written with the values that they had anyway.
        Assert.Equal(file.Definition.ToMethodOptions(), again.Definition.ToMethodOptions());
        Assert.Equal(JsonSerializer.Serialize(file.Definition with { MethodOptions = new() }),
            JsonSerializer.Serialize(again.Definition with { MethodOptions = new() }));
        Assert.Equal(explained, Explain(again));
    }

    /// <summary>What <c>federation show --json</c> calls settings is, as YAML, a file that reads to the same.</summary>
    [Fact]
    public void Settings_as_JSON_have_the_keys_of_the_file()
    {
        var settings = SettingsJson.Of(Samples.Read(Samples.Full).Definition).ToJsonString();
        var again = FederationFile.Read(YamlMap.Parse("settings", new StringReader(settings)), ".");
        Assert.Equal(JsonSerializer.Serialize(Samples.Read(Samples.Full).Definition), JsonSerializer.Serialize(again.Definition));
    }

    [Fact]
    public void Nothing_is_lost_on_the_wire()
    {
        // What the sample cannot state, since it has nodes of different ranks.
        var definition = Samples.Whole with { Robust = new RobustSpec { Rule = "krum", Outliers = 2, NormBound = 3 } };
        var bytes = Google.Protobuf.MessageExtensions.ToByteArray(definition.ToWire(layout: true));
        Assert.Equal(JsonSerializer.Serialize(definition),
            JsonSerializer.Serialize(Protocol.V1.FederationDefinition.Parser.ParseFrom(bytes).ToModel()));
    }

    /// <summary>A setting that is added to the records and forgotten in the sample would be tested by nobody.</summary>
    [Fact]
    public void The_full_sample_states_every_setting_with_another_value_than_its_default()
    {
        var least = Samples.Read(Samples.Least).Definition;
        RequireOther(Samples.Read(Samples.Full).Definition, least, "");

        static void RequireOther(object section, object other, string path)
        {
            foreach (var setting in Setting.Of(section.GetType()))
            {
                var (value, standard) = (setting.Property.GetValue(section), setting.Property.GetValue(other));
                if (value is not null && Setting.IsSection(value.GetType()))
                    RequireOther(value, standard ?? Activator.CreateInstance(value.GetType())!, $"{path}{setting.Key}.");
                else if (!Excused.Contains(path + setting.Key))
                    Assert.False(JsonSerializer.Serialize(value) == JsonSerializer.Serialize(standard),
                        $"the sample leaves {path}{setting.Key} at its default");
            }
        }
    }

    // What the sample's other settings exclude, or what both samples must state.
    private static readonly string[] Excused =
        ["name", "rounds", "task.kind", "method_options.lambda", "method_options.solver", "method_options.truncate_rank", "cohort.fraction",
            "communication.error_feedback", "training.keep_optimizer", "robust.rule", "robust.outliers", "robust.norm_bound"];

    [Fact]
    public void The_schema_in_the_documentation_is_the_readers() =>
        RequireFile(Path.Combine("docs", "federation.schema.json"), FederationSchema.Text());

    [Fact]
    public void The_page_in_the_documentation_tells_every_setting()
    {
        var page = Path.Combine(Fixtures.Repository, "docs", "federation.md");
        var text = File.ReadAllText(page);
        const string Mark = "<!-- generated from here on -->\n";
        var head = text[..(text.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length)];
        RequireFile(Path.Combine("docs", "federation.md"), head + SettingsPage.OfFederation());
    }

    [Theory]
    [MemberData(nameof(Texts))]
    public void What_the_reader_takes_the_schema_takes(string text)
    {
        Assert.Empty(Misfits(text));
        Assert.Empty(Misfits(Explain(Samples.Read(text))));
    }

    [Theory]
    [InlineData("rouds: 3")]
    [InlineData("training: { local_step: 3 }")]
    [InlineData("training: { batch_size: many }")]
    [InlineData("training: { batch_size: 0 }")]
    [InlineData("training: { optimizer: adam }")]
    [InlineData("training: { learning_rate: '1,5' }")]
    [InlineData("lora: { rank: 8 }")]
    [InlineData("privacy: { delta: 1 }")]
    [InlineData("privacy: { accountant: moments }")]
    [InlineData("communication: { up: 2 }")]
    [InlineData("communication: { values: bf61 }")]
    [InlineData("cohort: { deadline_seconds: 0 }")]
    [InlineData("retention: { adapter_rounds: -2 }")]
    [InlineData("weighting: unifrom")]
    public void What_the_schema_refuses_the_reader_refuses(string added)
    {
        var text = (added.StartsWith("lora", StringComparison.Ordinal)
            ? Samples.Least[..Samples.Least.IndexOf("lora:", StringComparison.Ordinal)] : Samples.Least + "\n") + added;
        Assert.NotEmpty(Misfits(text));
        Assert.Throws<FedLoraException>(() => Samples.Read(text));
    }

    /// <summary>Every number with a range: one step outside is refused by both, by the names of their settings.</summary>
    [Fact]
    public void Reader_and_schema_have_the_same_ranges()
    {
        foreach (var setting in Setting.Of(typeof(TrainingSpec)).Concat(Setting.Of(typeof(RetentionSpec)))
            .Where(setting => !double.IsInfinity(setting.Min)))
        {
            var section = setting.Property.DeclaringType == typeof(TrainingSpec) ? "training" : "retention";
            foreach (var outside in new[]
            {
                setting.AboveMin ? setting.Min : setting.Min - 1,
                setting.BelowMax ? setting.Max : setting.Max * 2,
            })
            {
                var text =
                    $"{Samples.Least}\n{section}: {{ {setting.Key}: "
                        + $"{outside.ToString("R", System.Globalization.CultureInfo.InvariantCulture)} }}";
                Assert.NotEmpty(Misfits(text));
                Assert.Contains(setting.Key, Assert.Throws<FedLoraException>(() => Samples.Read(text)).Message, StringComparison.Ordinal);
            }
        }
    }

    private static string Explain(FederationFile file)
    {
        using var text = new StringWriter { NewLine = "\n" };
        file.Explain(text);
        return text.ToString();
    }

    /// <summary>What the schema refuses, by place.</summary>
    private static IReadOnlyList<string> Misfits(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        var result = JsonSchema.FromText(FederationSchema.Text())
            .Evaluate(JsonSerializer.SerializeToElement(Json(stream.Documents[0].RootNode)),
                new EvaluationOptions { OutputFormat = OutputFormat.List });
        return result.IsValid ? []
            : [.. (result.Details ?? [result]).Where(detail => detail.Errors is not null)
                .Select(detail => $"{detail.InstanceLocation}: {string.Join("; ", detail.Errors!.Select(error => error.Value))}")];
    }

    // As editors see YAML: plain scalars that look like numbers or booleans are.
    private static JsonNode? Json(YamlNode node) => node switch
    {
        YamlMappingNode map =>
            new JsonObject(map.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, Json(pair.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Json)]),
        YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: "true" or "false" } flag => flag.Value == "true",
        YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain } plain when ulong.TryParse(plain.Value, out var whole) => whole,
        YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain } plain
            when plain.Value!.Contains('/', StringComparison.Ordinal) is false && Number.Parse(plain.Value) is { } number => number,
        YamlScalarNode text => text.Value,
        _ => throw new InvalidOperationException(),
    };

    private static void RequireFile(string path, string expected)
    {
        var file = Path.Combine(Fixtures.Repository, path);
        if (Environment.GetEnvironmentVariable("FEDLORA_UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(file, expected);
        Assert.Equal(expected, File.ReadAllText(file));
    }
}
