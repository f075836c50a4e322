using System.Text.Json;
using FedLora.Simulations.Pretraining.WordPieces;
using FedLora.Tokenizers;
using FedLora.Training.Data;

namespace FedLora.Training.Tests.Data;

public sealed class DataSetTests : IDisposable
{
    private static readonly string[] Labels = ["ham", "spam"];
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Classification_takes_text_and_the_index_of_the_label()
    {
        var data = Load("""{"text":"free money","label":"spam"}""", "", """{"label":"ham","text":"hello","extra":1}""");
        Assert.Equal([1, 0], data.Examples.Select(example => example.Class!.Value));
        Assert.All(data.Examples, example => Assert.Equal((2, 3), (example.Tokens[0], example.Tokens[^1])));
        Assert.Equal((0, 0L, 0), (data.Truncated, data.TruncatedTokens, data.Skipped.Count));
    }

    [Theory]
    [InlineData("{\"text\":\"a\"", "data-invalid")]
    [InlineData("[1]", "data-invalid")]
    [InlineData("{\"text\":7,\"label\":\"ham\"}", "data-invalid")]
    [InlineData("{\"text\":\"\",\"label\":\"ham\"}", "data-invalid")]
    [InlineData("{\"text\":\"a\"}", "data-invalid")]
    [InlineData("{\"text\":\"\\ud800\",\"label\":\"ham\"}", "data-invalid")]
    [InlineData("{\"text\":\"a\",\"label\":\"eggs\"}", "data-label-unknown")]
    public void A_bad_line_stops_the_reading_and_is_named(string bad, string code)
    {
        var error = Assert.Throws<FedLoraException>(() => Load("""{"text":"a","label":"ham"}""", bad));
        Assert.Equal(code, error.Code);
        Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_lines_can_be_skipped_and_are_counted()
    {
        var path = Write("nonsense", """{"text":"a","label":"ham"}""", """{"text":"a","label":"eggs"}""");
        var data = DataSet.Load(path, new DataSettings(TextTask.SequenceClassification, 16, Labels, BadLines.Skip), Input(),
            CancellationToken.None);
        Assert.Single(data.Examples);
        Assert.Equal(2, data.Skipped.Count);
        Assert.Contains("line 1", data.Skipped.Reasons[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_usable_is_an_error() => Assert.Equal("data-empty", Assert.Throws<FedLoraException>(() => Load("")).Code);

    [Fact]
    public void Wrong_bytes_are_not_trained_on()
    {
        var path = Path.Combine(_folder, "latin1.jsonl");
        File.WriteAllBytes(path, [.. "{\"text\":\"caf"u8, 0xE9, .. "\",\"label\":\"ham\"}\n"u8]);
        Assert.Equal("data-invalid",
            Assert.Throws<FedLoraException>(() => DataSet.Load(path, Settings, Input(), CancellationToken.None)).Code);
    }

    [Fact]
    public void Truncation_is_counted()
    {
        var data = Load(JsonSerializer.Serialize(new { text = string.Join(' ', Enumerable.Repeat("a", 30)), label = "ham" }),
            """{"text":"a","label":"ham"}""");
        Assert.Equal(16, data.Examples[0].Tokens.Length);
        Assert.Equal((1, 16L), (data.Truncated, data.TruncatedTokens));
    }

    [Fact]
    public void Only_the_completion_is_learnt()
    {
        var path = Write("""{"prompt":"a b","completion":"c d"}""", """{"text":"a b"}""");
        var data = DataSet.Load(path, new DataSettings(TextTask.CausalLanguageModelling, 16, []), Input(), CancellationToken.None);
        var (completion, text) = (data.Examples[0], data.Examples[1]);
        Assert.Equal(completion.Tokens.Length - 2, completion.Labels!.Count(label => label == Example.NoLabel));
        Assert.Equal(completion.Tokens[^2..], completion.Labels![^2..]);
        Assert.Equal(text.Tokens, text.Labels!);
    }

    [Fact]
    public void A_long_prompt_gives_way_before_its_completion()
    {
        var path = Write(JsonSerializer.Serialize(new { prompt = string.Join(' ', Enumerable.Repeat("a", 40)), completion = "b c" }));
        var example = DataSet.Load(path, new DataSettings(TextTask.CausalLanguageModelling, 8, []), Input(), CancellationToken.None);
        Assert.Equal(8, example.Examples[0].Tokens.Length);
        Assert.Equal(2, example.Examples[0].Labels!.Count(label => label != Example.NoLabel));
        Assert.Equal(1, example.Truncated);
    }

    [Fact]
    public void Records_identities_and_hash_are_of_one_reading_and_every_long_text_counts_by_itself()
    {
        const string Text = "a text that is long enough to be known by";
        var settings = new DataSettings(TextTask.CausalLanguageModelling, 16, [], BadLines.Skip, Unit: "person");
        var path = Write($$"""{"text":"{{Text}}","person":7}""", $$"""{"prompt":"Why?","completion":" {{Text}}","person":"8"}""",
            """{"text":"no person"}""", """{"text":"b","person":"8"}""");
        var file = DataFile.Read(path, settings, CancellationToken.None);
        Assert.Equal(["7", "8", "8"], file.Records.Select(record => record.Unit));
        Assert.Equal(1, file.Skipped.Count);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))), file.Sha256);
        var known = ExampleIdentity.Of($$"""{"text":"{{Text}}"}""").Single().ToArray();
        Assert.Equal(2, file.Identities.Count(identity => identity.Span.SequenceEqual(known)));
        Assert.Equal([[0], [1, 2]], DataSet.Of(file, settings, Input(), CancellationToken.None).Units);
    }

    private static DataSettings Settings => new(TextTask.SequenceClassification, 16, Labels);

    private DataSet Load(params string[] lines) => DataSet.Load(Write(lines), Settings, Input(), CancellationToken.None);

    private string Write(params string[] lines)
    {
        var path = Path.Combine(_folder, $"{Guid.NewGuid():N}.jsonl");
        File.WriteAllLines(path, lines);
        return path;
    }

    private ModelInput Input() => ModelInput.Of(Tokenizer());

    private Tokenizer Tokenizer()
    {
        var trainer = new WordPieceTrainer();
        trainer.Add("a b c d free money hello");
        WordPieceFile.Write(_folder, trainer.Train(100, 50, CancellationToken.None), 128);
        return Tokenizers.Tokenizer.Load(_folder);
    }
}
