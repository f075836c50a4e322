using System.Text.Json;
using FedLora.Tests;

namespace FedLora.Cli.Tests;

/// <summary>Evaluation and generation with a causal language model, as they are typed.</summary>
[Trait("Category", "Fixtures")]
public sealed class GenerateCommandTests : IDisposable
{
    private const int Most = 32;
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Prompts_of_a_file_are_continued_as_each_would_be_alone()
    {
        var model = Model();
        var file = _scratch.File("prompts.jsonl", "{\"prompt\":\"hello there\"}\n\n{\"text\":\"good day\"}\n");
        var lines = await LinesAsync(model, "--prompts", file, "--temperature", "0.9", "--top-p", "0.95", "--seed", "4", "--json");
        Assert.Equal(2, lines.Length);
        foreach (var (i, prompt) in new[] { "hello there", "good day" }.Index())
        {
            var together = JsonDocument.Parse(lines[i]).RootElement;
            var alone = JsonDocument.Parse(Assert.Single(await LinesAsync(model, "--prompt", prompt, "--temperature", "0.9", "--top-p",
                "0.95", "--seed", $"{4 + i}", "--json"))).RootElement;
            Assert.Equal(i + 1, together.GetProperty("number").GetInt32());
            Assert.Equal(alone.GetProperty("text").GetString(), together.GetProperty("text").GetString());
            Assert.Equal(together.GetProperty("text").GetString(), prompt + together.GetProperty("added").GetString());
            Assert.InRange(together.GetProperty("tokens").GetInt32(), 1, Most);
        }
        // A text file has one in each line; another seed draws others.
        var plain = await LinesAsync(model, "--prompts", _scratch.File("prompts.txt", "hello there\ngood day\n"), "--temperature", "0.9",
            "--top-p", "0.95", "--seed", "4", "--json");
        Assert.Equal(lines.Select(Text), plain.Select(Text));
        Assert.NotEqual(lines.Select(Text), (await LinesAsync(model, "--prompts", file, "--temperature", "0.9", "--json")).Select(Text));
    }

    [Fact]
    public async Task What_is_shown_as_it_comes_is_the_text()
    {
        string[] how = ["--prompt", "hello", "--temperature", "2", "--seed", "1"];
        var (exit, shown, _) = await Scratch.RunAsync(["generate", "--model", Model(), "--max-tokens", $"{Most}", .. how]);
        Assert.Equal(0, exit);
        var document = Assert.Single(await LinesAsync(Model(), [.. how, "--json"]));
        Assert.Equal(Text(document) + "\n", shown);
        // The model writes single bytes of characters too.
        Assert.Contains('\uFFFD', shown);
    }

    [Fact]
    public async Task What_cannot_be_meant_is_said()
    {
        var model = Model();
        foreach (var wrong in (string[][])[[], ["--prompt", "a", "--prompts", "b"]])
            Assert.Equal("usage", (await _scratch.FailsAsync(2, ["generate", "--model", model, .. wrong])).Code);
        Assert.Equal("data-invalid", (await _scratch.FailsAsync(1, "generate", "--model", model, "--prompts",
            _scratch.File("bad.jsonl", "{\"prompt\":\"a\"}\n{\"completion\":\"b\"}\n"))).Code);
        Assert.Equal("data-empty", (await _scratch.FailsAsync(1, "generate", "--model", model, "--prompts",
            _scratch.File("none.txt", "\n"))).Code);
        var data = _scratch.File("data.jsonl", "{\"text\":\"hello\"}\n");
        foreach (var wrong in (string[][])[["--stride", "0"], ["--stride", "32"], ["--batch", "0"]])
            Assert.Equal("usage",
                (await _scratch.FailsAsync(2, ["evaluate", "--model", model, "--data", data, "--max-length", "32", .. wrong])).Code);
    }

    [Fact]
    public async Task A_long_text_is_measured_whole_with_a_stride_and_cut_without()
    {
        var data = _scratch.File("long.jsonl", $$"""{"text":"{{string.Concat(Enumerable.Repeat("abcdefgh ", 20))}}"}""" + "\n");
        string[] how = ["evaluate", "--model", Model(), "--data", data, "--max-length", "32", "--dtype", "f32"];
        var (cut, _) = await Scratch.SucceedsAsync(how);
        var (whole, _) = await Scratch.SucceedsAsync([.. how, "--stride", "8", "--batch", "4", "--plots", _scratch["pictures"]]);
        Assert.Equal((1, 31, 1), (cut.GetProperty("truncated").GetInt32(), cut.GetProperty("labels").GetInt32(),
            cut.GetProperty("windows").GetInt32()));
        Assert.Equal((0, 179, 1, 20), (whole.GetProperty("truncated").GetInt32(), whole.GetProperty("labels").GetInt32(),
            whole.GetProperty("examples").GetInt32(), whole.GetProperty("windows").GetInt32()));
        Assert.Equal(["calibration.svg"], Directory.EnumerateFiles(_scratch["pictures"]).Select(Path.GetFileName));
    }

    private static string Text(string document) => JsonDocument.Parse(document).RootElement.GetProperty("text").GetString()!;

    private static async Task<string[]> LinesAsync(string model, params string[] more)
    {
        var (exit, output, error) = await Scratch.RunAsync(["generate", "--model", model, "--max-tokens", $"{Most}", .. more]);
        Assert.True(exit == 0, $"exit code {exit}: {output}{error}");
        return output.TrimEnd('\n').Split('\n');
    }

    /// <summary>The fixture's weights, and a tokenizer whose tokens are single bytes: printable ASCII, and some bytes of others.</summary>
    private string Model()
    {
        var folder = _scratch["llama"];
        if (Directory.Exists(folder))
            return folder;
        Directory.CreateDirectory(folder);
        foreach (var name in (string[])["config.json", "model.safetensors"])
            File.Copy(Fixtures.PathOf("models", "llama", name), Path.Combine(folder, name));
        // How byte-level tokenizers write bytes: printable ones as themselves, the blank as U+0120, 0xC3 and 0xA9 as their code points.
        var bytes = Enumerable.Range(33, 94).Append(0x120).Concat(Enumerable.Range(0xC3, 0xE0 - 0xC3)).Append(0xA9).Take(124)
            .Select((code, id) => $"{JsonSerializer.Serialize(char.ConvertFromUtf32(code))}:{id + 3}");
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"),
            $$$"""
            {"model":{"type":"BPE","vocab":{{{{string.Join(',', bytes)}}}},"merges":[]},
            "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":false},"decoder":{"type":"ByteLevel"},
            "added_tokens":[]}
            """);
        return folder;
    }
}
