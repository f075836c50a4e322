using System.Text;
using System.Text.Json;
using FedLora.Tests;
using FedLora.Tokenizers.Chat;

namespace FedLora.Tokenizers.Tests;

/// <summary>Files of a model that somebody else made: its tokenizer, read and used, and its chat template, parsed and rendered.</summary>
public sealed class TokenizerFuzzTests : IDisposable
{
    private const string Bpe = """
        {"version":"1.0","truncation":null,"padding":null,
        "added_tokens":[{"id":5,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
        "normalizer":{"type":"NFC"},
        "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\s+|[a-z]+"},"behavior":"Isolated",
        "invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]},
        "post_processor":{"type":"TemplateProcessing",
        "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
        "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
        "special_tokens":{"<s>":{"id":"<s>","ids":[5],"tokens":["<s>"]}}},
        "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
        "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,
        "byte_fallback":false,"vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"Ġa":4},"merges":[["a","b"],["Ġ","a"]]}}
        """;

    private const string WordPiece = """
        {"version":"1.0","truncation":{"direction":"Right","max_length":8,"strategy":"LongestFirst","stride":0},
        "padding":{"strategy":"BatchLongest","direction":"Right","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"[PAD]"},
        "added_tokens":[],"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,
        "lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,
        "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
        "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
        "vocab":{"[PAD]":0,"[UNK]":1,"a":2,"##b":3}}}
        """;

    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("fedlora-fuzz-").FullName, "tokenizer.json");

    [Fact]
    public void Tokenizers() => Mutations.Try("tokenizer.json", [Encoding.UTF8.GetBytes(Bpe), Encoding.UTF8.GetBytes(WordPiece)],
        64_000_000, bytes =>
        {
            File.WriteAllBytes(_file, bytes);
            var tokenizer = Tokenizer.Load(_file);
            tokenizer.Decode(tokenizer.Encode("ab <s> über 日本 \0\u200d a").Ids);
        });

    [Fact]
    public void Settings_of_tokenizers()
    {
        var folder = Path.GetDirectoryName(_file)!;
        Mutations.Try("tokenizer_config.json", [.. new[]
        {
            """{"bos_token":"<s>","eos_token":{"content":"</s>","special":true},"chat_template":"{{ messages[0]['content'] }}"}""",
            """{"chat_template":[{"name":"tools","template":"x"},{"name":"default","template":"{{ bos_token }}"}],"pad_token":null}""",
        }.Select(Encoding.UTF8.GetBytes)], 16_000_000, bytes =>
        {
            File.WriteAllBytes(Path.Combine(folder, "tokenizer_config.json"), bytes);
            ChatTemplate.Load(folder);
        });
    }

    [Fact]
    public void Chat_templates()
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(
            Path.Combine(Fixtures.Repository, "tests", "FedLora.Tokenizers.Tests", "Chat", "reference.json")));
        var snippets = reference.RootElement.GetProperty("snippets").EnumerateArray()
            .Where(one => one.GetProperty("text").ValueKind == JsonValueKind.String)
            .Select(one => Encoding.UTF8.GetBytes(one.GetProperty("template").GetString()!)).ToList();
        IReadOnlyList<IReadOnlyDictionary<string, object?>> messages =
            [new Dictionary<string, object?> { ["role"] = "user", ["content"] = "hello" }];
        Mutations.Try("chat template", snippets, 256_000_000,
            bytes => ChatTemplate.Parse(Encoding.UTF8.GetString(bytes), "here", SpecialTokens.None).Render(messages));
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);
}
