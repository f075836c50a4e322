using System.Text.Json;

namespace FedLora.Cli.Tests;

/// <summary><c>fedlora admin federation explain</c> and <c>schema</c>, which need no coordinator.</summary>
public sealed class FederationFileCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-explain-");

    [Fact]
    public async Task What_is_explained_is_a_file_that_explains_itself()
    {
        var first = await RunAsync(
            Write("name: spam\nmethod: fedit\nrounds: 3\ntask: { kind: causal-language-model }\nlora: { target_modules: [query] }\n"));
        Assert.Contains("weight_decay: 0.01", first, StringComparison.Ordinal);
        Assert.Contains("sampling_timeout_seconds: 86400", first, StringComparison.Ordinal);
        Assert.Equal(first, await RunAsync(Write(first)));
    }

    [Fact]
    public async Task A_file_that_cannot_be_is_refused_with_its_line()
    {
        using var error = new StringWriter();
        var file = Write(
            "name: spam\nmethod: fedit\nrounds: 3\ntask: { kind: causal-language-model }\nlora: { target_modules: [query] }\ntrianing: { "
                + "local_steps: 3 }\n");
        Assert.Equal(1, await CommandLine.RunAsync(["admin", "federation", "explain", "-f", file], TextWriter.Null, error, default));
        Assert.Contains("line 6: unknown key 'trianing'", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("did you mean 'training'?", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validation_goes_as_far_as_there_is_something_to_check_against()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var file =
            Write("name: spam\nmethod: fedit\nrounds: 3\ntask: { kind: classification, labels: [ham, spam] }\ntraining: { max_tokens: 64 "
                + "}\nlora: { target_modules: [query] }\n");
        Assert.Equal(0, await CommandLine.RunAsync(["admin", "federation", "validate", "-f", file, "--json"], output, error, default));
        Assert.Contains("not checked against a base model", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0,
            await CommandLine.RunAsync(["admin", "federation", "validate", "-f", file, "--model", Scratch.Model], output, error, default));
        var other =
            Write("name: spam\nmethod: fedit\nrounds: 3\ntask: { kind: classification, labels: [ham, spam] }\ntraining: { max_tokens: 64 "
                + "}\nlora: { target_modules: [nothing] }\n");
        Assert.Equal(1,
            await CommandLine.RunAsync(["admin", "federation", "validate", "-f", other, "--model", Scratch.Model], output, error, default));
        Assert.Contains("nothing", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_schema_is_JSON()
    {
        using var output = new StringWriter();
        Assert.Equal(0, await CommandLine.RunAsync(["admin", "federation", "schema"], output, TextWriter.Null, default));
        using var schema = JsonDocument.Parse(output.ToString());
        Assert.Equal("integer",
            schema.RootElement.GetProperty("properties").GetProperty("training").GetProperty("properties").GetProperty("local_steps")
                .GetProperty("type").GetString());
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Write(string text)
    {
        var file = Path.Combine(_folder.FullName, "federation.yaml");
        File.WriteAllText(file, text);
        return file;
    }

    private static async Task<string> RunAsync(string file)
    {
        using var output = new StringWriter();
        Assert.Equal(0, await CommandLine.RunAsync(["admin", "federation", "explain", "-f", file], output, TextWriter.Null, default));
        return output.ToString();
    }
}
