using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace FedLora.Cli.Tests;

/// <summary>Models that are damaged, hostile or not there: one clear line that names the file.</summary>
public sealed class BadModelTests : IDisposable
{
    private readonly Scratch _scratch = new();

    [Theory]
    [InlineData("", "has only 0 bytes")]
    [InlineData("half", "is truncated: tensor")]
    [InlineData("header-cut", "it is truncated")]
    [InlineData("header-2GiB", "states a header of 2147483648 bytes, above the limit")]
    [InlineData("header-max", "states a header of 18446744073709551615 bytes, above the limit")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}|12""",
        "overlapping tensors before tensor 'b'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,8]}}|8""", "gives tensor 'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}|8""", "negative, too large")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}|8""", "is of type 'F8_E4M3'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}|8""", "has no tensor 'bert.embeddings.word_embeddings.weight'")]
    [InlineData("no JSON|8", "has a header that cannot be read")]
    [InlineData("gone", "There is no file")]
    public async Task Weights(string what, string said)
    {
        var model = _scratch.ModelWith("model.safetensors", bytes => what switch
        {
            "" => [],
            "half" => bytes[..(bytes.Length / 2)],
            "header-cut" => bytes[..100],
            "header-2GiB" => WithLength(bytes, 1UL << 31),
            "header-max" => WithLength(bytes, ulong.MaxValue),
            "gone" => null,
            _ => Safetensors(what.Split('|')[0], int.Parse(what.Split('|')[1])),
        });
        var (_, line) = await EvaluateAsync(model);
        Assert.Contains(said, line, StringComparison.Ordinal);
        Assert.Contains(model, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model_type", "\"mamba\"", "model-architecture-unknown", "Known: bert, distilbert")]
    [InlineData("hidden_size", "\"128\"", "model-config-invalid", "hidden_size")]
    [InlineData("hidden_size", "-1", "model-config-invalid", "hidden_size")]
    [InlineData("hidden_act", "\"swoosh\"", "model-config-invalid", "swoosh")]
    [InlineData("num_hidden_layers", "100000", "tensor-missing", "do not belong together")]
    [InlineData("vocab_size", "2147483647", "tensor-shape", "[2147483647,")]
    public async Task Config(string key, string value, string code, string said)
    {
        var model = _scratch.ModelWith("config.json", bytes =>
        {
            var config = JsonNode.Parse(bytes)!;
            config[key] = JsonNode.Parse(value);
            return Encoding.UTF8.GetBytes(config.ToJsonString());
        });
        var (found, line) = await EvaluateAsync(model);
        Assert.Equal(code, found);
        Assert.Contains(said, line, StringComparison.Ordinal);
        Assert.Contains(model, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData(
        """{"model_type":"bert","architectures":["BertForSequenceClassification"],"vocab_size":8,"hidden_size":4,"num_hidden_layers":1,"""
            + """ "num_attention_heads":1,"intermediate_size":4,"max_position_embeddings":8,"id2label":{"0":"a","0":"b"}}""")]
    public async Task Config_that_is_none(string text)
    {
        var model = _scratch.ModelWith("config.json", _ => Encoding.UTF8.GetBytes(text));
        Assert.Equal("model-config-invalid", (await _scratch.FailsAsync(1, "evaluate", "--model", model, "--data", Data())).Code);
    }

    [Fact]
    public async Task Folder_that_is_none()
    {
        foreach (var folder in new[] { _scratch["nowhere"], Data() })
            Assert.Equal("model-folder-missing", (await EvaluateAsync(folder)).Code);
        Assert.Equal("model-folder-missing", (await _scratch.FailsAsync(1, "adapter", "size", "--model", _scratch["nowhere"])).Code);
    }

    [Theory]
    [InlineData("gone", "tokenizer-missing")]
    [InlineData("{", "tokenizer-invalid")]
    [InlineData("[]", "tokenizer-invalid")]
    [InlineData("{}", "tokenizer-invalid")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[]}}""", "tokenizer-unsupported")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":1},"merges":[],"dropout":"x"}}""", "tokenizer-invalid")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":1},"merges":["b c"]}}""", "tokenizer-invalid")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{"a":1},"unk_token":"\ud800"}}""", "tokenizer-invalid")]
    public async Task Tokenizer(string text, string code)
    {
        var model = _scratch.ModelWith("tokenizer.json", _ => text == "gone" ? null : Encoding.UTF8.GetBytes(text));
        var (found, line) = await EvaluateAsync(model);
        Assert.Equal(code, found);
        Assert.Contains(Path.Combine(model, "tokenizer.json"), line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tokenizer_whose_pattern_never_ends()
    {
        var model = _scratch.ModelWith("tokenizer.json", bytes =>
        {
            var json = JsonNode.Parse(bytes)!;
            json["pre_tokenizer"] = JsonNode.Parse(
                """{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated","invert":false}""");
            return Encoding.UTF8.GetBytes(json.ToJsonString());
        });
        var data = _scratch.File("a.jsonl", $$"""{"text":"{{new string('a', 60)}}!","label":"ham"}""" + "\n");
        var (code, line) = await _scratch.FailsAsync(1, "evaluate", "--model", model, "--data", data, "--labels", "ham,spam");
        Assert.Equal("tokenizer-invalid", code);
        Assert.Contains("(a+)+$", line, StringComparison.Ordinal);
    }

    public void Dispose() => _scratch.Dispose();

    private Task<(string Code, string Line)> EvaluateAsync(string model) =>
        _scratch.FailsAsync(1, "evaluate", "--model", model, "--data", Data(), "--labels", "ham,spam");

    private string Data() => _scratch.File("good.jsonl", "{\"text\":\"a meeting\",\"label\":\"ham\"}\n");

    private static byte[] WithLength(byte[] bytes, ulong length)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        return bytes;
    }

    private static byte[] Safetensors(string header, int bytes) =>
        [.. WithLength(new byte[8], (ulong)Encoding.UTF8.GetByteCount(header)), .. Encoding.UTF8.GetBytes(header), .. new byte[bytes]];
}
