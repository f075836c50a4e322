using System.CommandLine;
using System.Text.Json;
using FedLora.Benchmarks;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Tests;

namespace FedLora.Cli.Tests;

/// <summary>
/// The documents under <c>--json</c>, and the pages that say what is in them. FEDLORA_UPDATE_SNAPSHOTS=1 writes the pages anew.
/// </summary>
public sealed class JsonPageTests
{
    private static readonly string Docs = Path.Combine(Fixtures.Repository, "docs");

    /// <summary>The program, and the benchmarks that it hands words on to.</summary>
    private static Command[] Programs => [FedLoraCommand.Root, BenchCommand.Root];

    [Fact]
    public void Every_command_says_what_it_writes() =>
        Assert.DoesNotContain(Programs.SelectMany(JsonPages.Leaves),
            command => JsonForm.Of(command) is null && command is not { Name: "bench", Subcommands.Count: 0 });

    [Fact]
    public void The_schema_is_that_of_the_types() => Require("json.schema.json", _ => JsonPages.Schema(Programs));

    [Fact]
    public void The_page_lists_all_documents() =>
        Require("json.md",
            page =>
                page[..(page.IndexOf("\n\n| ", StringComparison.Ordinal) is > 0 and var table ? table + 2 : page.Length)]
                    + JsonPages.Table(Programs));

    /// <summary>Three ways of naming met in one program.</summary>
    [Fact]
    public void Every_name_is_snake_case()
    {
        using var schema = JsonDocument.Parse(JsonPages.Schema(Programs));
        var names = new List<string>();
        foreach (var document in schema.RootElement.GetProperty("$defs").EnumerateObject())
            Collect(document.Value);
        Assert.True(names.Count > 100);
        Assert.DoesNotContain(names, name => !name.All(c => c == '_' || char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)));

        void Collect(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in element.EnumerateArray())
                    Collect(item);
            }
            else if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (var property in element.EnumerateObject())
                {
                    if (property.Name == "properties")
                        names.AddRange(property.Value.EnumerateObject().Select(field => field.Name));
                    Collect(property.Value);
                }
            }
        }
    }

    [Theory]
    [InlineData("privacy epsilon --noise-multiplier 1 --sampling-rate 0.1 --steps 3 --delta 1e-5 --json", 0)]
    [InlineData("adapter size --model bert-base-snli --json", 0)]
    [InlineData("admin federation schema --json", 0)]
    [InlineData("privacy epsilon --json", 2)]
    [InlineData("export mail --json", 2)]
    [InlineData("evaluate --model ./nowhere --data ./nothing --json", 1)]
    public async Task A_document_is_an_object_with_its_version_first_and_an_error_is_one_line(string line, int exit)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        Assert.Equal(exit, await CommandLine.RunAsync(line.Split(' '), output, errors, TestContext.Current.CancellationToken));
        using var document = JsonDocument.Parse(output.ToString());
        Assert.Equal(("version", 1),
            (document.RootElement.EnumerateObject().First().Name, document.RootElement.GetProperty("version").GetInt32()));
        Assert.Equal(exit != 0, document.RootElement.TryGetProperty("error", out _));
        if (exit != 0)
            Assert.Single(output.ToString().TrimEnd().Split('\n'));
    }

    /// <summary>It was an array, which the program's writer of documents ended on.</summary>
    [Fact]
    public async Task Figures_of_a_benchmark_are_the_document_that_the_schema_says()
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var exit = await CommandLine.RunAsync(() => BenchCommand.Root, ["bench", "codec", "--entries", "20000", "--json"], output, errors,
            TestContext.Current.CancellationToken);
        Assert.True(exit == 0, errors.ToString());
        using var document = JsonDocument.Parse(output.ToString());
        using var schema = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Docs, "json.schema.json"),
            TestContext.Current.CancellationToken));
        var properties = schema.RootElement.GetProperty("$defs").GetProperty("bench codec").GetProperty("properties");
        Assert.Equal(Names(properties), Names(document.RootElement));
        var row = properties.GetProperty("rows").GetProperty("items").GetProperty("properties");
        Assert.NotEmpty(document.RootElement.GetProperty("rows").EnumerateArray());
        Assert.All(document.RootElement.GetProperty("rows").EnumerateArray(), figures => Assert.Equal(Names(row), Names(figures)));

        static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
    }

    private static void Require(string name, Func<string, string> make)
    {
        var file = Path.Combine(Docs, name);
        var text = File.Exists(file) ? File.ReadAllText(file) : "";
        var right = make(text);
        if (Environment.GetEnvironmentVariable("FEDLORA_UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(file, right);
        else
            Assert.True(text == right, $"docs/{name} no longer says what the program writes.");
    }
}
