using Nodes = System.Text.Json.Nodes;

namespace FedLora.Tokenizers.Tests;

/// <summary>What the fixtures' files do not use; expected values follow from the library's rules.</summary>
public sealed class TokenizerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-tokenizer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Added_tokens_take_the_space_they_ask_for()
    {
        const string Added = """
            [{"id":90,"content":"<mask>","lstrip":true,"rstrip":true,"special":true},{"id":91,"content":"cat","single_word":true}]
            """;
        var tokenizer = Load(Json(added: Added));
        var text = tokenizer.Encode("a  <mask> b cat cats");
        Assert.Equal([Id('a'), 90, Id('b'), 2, 91, 2, Id('c'), Id('a'), Id('t'), Id('s')], text.Ids);
        Assert.Equal(new TextSpan(1, 10), text.Offsets[1]);
        Assert.Equal("  <mask> ", text.Tokens[1]);
    }

    [Fact]
    public void Of_added_tokens_the_longest_wins()
    {
        var tokenizer = Load(Json(added: """[{"id":90,"content":"xy","special":true},{"id":91,"content":"xyz","special":true}]"""));
        Assert.Equal([91, 90, Id('d')], tokenizer.Encode("xyzxyd").Ids);
    }

    [Fact]
    public void A_normalised_added_token_is_found_in_normalised_text()
    {
        var tokenizer = Load(Json(normalizer: """{"type":"Lowercase"}""", added: """[{"id":90,"content":"Day","normalized":true}]"""));
        Assert.Equal([Id('m'), 90], tokenizer.Encode("MDAY").Ids);
    }

    [Theory]
    [InlineData("always", "a b", "_a _b")]
    [InlineData("first", "a b", "_a _b")]
    [InlineData("never", "a b", "a _b")]
    [InlineData("always", " a", "_a")]
    public void Metaspace(string scheme, string text, string pieces)
    {
        var pre = $$"""{"type":"Metaspace","replacement":"_","prepend_scheme":"{{scheme}}","split":true}""";
        var encoded = Load(Json(pre: pre)).Encode(text);
        Assert.Equal(pieces.Replace(" ", "", StringComparison.Ordinal), string.Concat(encoded.Tokens));
        Assert.Equal(text.Length, encoded.Offsets[^1].End);
    }

    [Fact]
    public void Roberta_puts_two_separators_between_a_pair_and_trims_offsets()
    {
        const string Post = """{"type":"RobertaProcessing","sep":["e",90],"cls":["s",91],"trim_offsets":true,"add_prefix_space":true}""";
        var encoded = Load(Json(post: Post)).Encode("a", "b");
        Assert.Equal([91, Id('a'), 90, 90, Id('b'), 90], encoded.Ids);
        Assert.All(encoded.TypeIds, type => Assert.Equal(0, type));
        Assert.Equal([1, 0, 1, 1, 0, 1], encoded.SpecialMask);
    }

    [Fact]
    public void A_batch_is_filled_up_on_the_side_that_is_asked_for()
    {
        var batch = Load(Json()).With(null, new Padding(Direction: Side.Left, MultipleOf: 4, Id: 1, Token: "!"))
            .EncodeBatch(["abcde", "a"]);
        Assert.All(batch, item => Assert.Equal(8, item.Count));
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 1], batch[1].AttentionMask);
        Assert.Equal(Id('a'), batch[1].Ids[^1]);
    }

    [Theory]
    [InlineData("normalizer", "Precompiled")]
    [InlineData("pre_tokenizer", "UnicodeScripts")]
    [InlineData("post_processor", "Other")]
    [InlineData("decoder", "CTC")]
    [InlineData("model", "Unigram")]
    public void An_unknown_component_is_named(string part, string type)
    {
        var json = Nodes.JsonNode.Parse(Json())!;
        json[part] = new Nodes.JsonObject { ["type"] = type };
        var error = Assert.Throws<FedLoraException>(() => Load(json.ToJsonString()));
        Assert.Equal("tokenizer-unsupported", error.Code);
        Assert.Contains(type, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_there_or_no_JSON_is_said()
    {
        Assert.Equal("tokenizer-missing", Assert.Throws<FedLoraException>(() => Tokenizer.Load(_folder)).Code);
        Assert.Equal("tokenizer-invalid", Assert.Throws<FedLoraException>(() => Load("{")).Code);
        Assert.Equal("tokenizer-invalid", Assert.Throws<FedLoraException>(() => Load("{}")).Code);
        Assert.Contains("Git LFS", Assert.Throws<FedLoraException>(() => Load("version https://git-lfs.github.com/spec/v1\n")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void One_long_word_is_not_quadratic()
    {
        // A million code points in one piece: minutes for a scan per merge, a moment for the heap.
        var encoded = Load(Json(merges: """["a b","ab ab"]""")).Encode(string.Concat(Enumerable.Repeat("ab", 500_000)));
        Assert.Equal(250_000, encoded.Count);
    }

    [Fact]
    public void Half_a_surrogate_pair_counts_as_the_replacement_character() => Assert.Equal([Id('a')], Load(Json()).Encode("a\ud800").Ids);

    private static int Id(char letter) => letter - 'a' + 10;

    private Tokenizer Load(string json)
    {
        var path = Path.Combine(_folder, "tokenizer.json");
        File.WriteAllText(path, json);
        return Tokenizer.Load(path);
    }

    private static string Json(string normalizer = "null", string pre = "null", string post = "null", string added = "[]",
        string merges = "[]")
    {
        var vocabulary = string.Join(',', Enumerable.Range(0, 26).Select(i => $"\"{(char)('a' + i)}\":{i + 10}"));
        return $$$"""
            {"added_tokens":{{{added}}},"normalizer":{{{normalizer}}},"pre_tokenizer":{{{pre}}},"post_processor":{{{post}}},"decoder":null,
             "model":{"type":"BPE","vocab":{"_":1," ":2,"ab":3,"abab":4,{{{vocabulary}}}},"merges":{{{merges}}}}}
            """;
    }
}
