using System.Text;
using System.Text.Json.Nodes;
using FedLora.Tests;
using FedLora.Training.Models;

namespace FedLora.Training.Tests.Models;

/// <summary>Of a model of an unknown name the loader says whose description would read it.</summary>
public sealed class UnknownFamilyTests
{
    public static TheoryData<string> Configs =>
    [
        .. Fixtures.Folders("models").SelectMany(name => new[] { $"{name}/config.json", $"{name}/config.v4.json" })
            .Where(file => File.Exists(Fixtures.PathOf("models", file))),
    ];

    [Theory]
    [MemberData(nameof(Configs))]
    public void A_known_model_under_another_name_is_told_as_what_it_is(string file)
    {
        var config = JsonNode.Parse(File.ReadAllText(Fixtures.PathOf("models", file)))!.AsObject();
        var family = config["model_type"]!.GetValue<string>();
        config["model_type"] = "unheard-of";
        var error = Refused(config);
        Assert.Contains("unheard-of", error.Message, StringComparison.Ordinal);
        Assert.Contains(family, error.Hint[error.Hint.IndexOf("has all that", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public void What_nobody_reads_is_told_too() =>
        Assert.Contains("lacks what any of them needs", Refused(new JsonObject { ["model_type"] = "mamba", ["state_size"] = 16 }).Hint,
            StringComparison.Ordinal);

    private static FedLoraException Refused(JsonObject config)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(config.ToJsonString()));
        var error = Assert.Throws<FedLoraException>(() => ModelFamily.ReadConfig(ConfigJson.Read(stream, "config.json"), "folder"));
        Assert.Equal("model-architecture-unknown", error.Code);
        return error;
    }
}
