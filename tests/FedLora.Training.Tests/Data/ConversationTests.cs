using FedLora.Tests;
using FedLora.Tokenizers;
using FedLora.Training.Data;

namespace FedLora.Training.Tests.Data;

/// <summary>The loss of a conversation is on the assistant's turns, each with the token that ends it.</summary>
public sealed class ConversationTests : IDisposable
{
    private const string Turns =
        """{"messages":[{"role":"user","content":"Hi 🙂"},{"role":"assistant","content":"Hello!"},"""
            + """{"role":"user","content":"2+2?"},{"role":"assistant","content":"It is 4."}]}""";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-chat-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt "
            + "%}<|im_start|>assistant\n{% endif %}", "Hello!<|im_end|>", "It is 4.<|im_end|>")]
    // As Qwen 3 does with its thoughts: the last turn is written otherwise than the earlier ones.
    [InlineData(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ '<t></t>' if loop.last and m.role == 'assistant' }}{{ m.content "
            + "}}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}", "Hello!<|im_end|>",
        "<t></t>It is 4.<|im_end|>")]
    // As Llama 3 does: an answer is begun behind every conversation.
    [InlineData(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>{% endfor %}{{ '<|im_start|>assistant\n' }}",
        "Hello!<|im_end|>", "It is 4.<|im_end|>")]
    public void What_is_learnt(string template, params string[] learnt)
    {
        var (set, tokenizer) = Load(template, Turns);
        var example = set.Examples.Single();
        Assert.Equal(learnt, Runs(example).Select(run => tokenizer.Decode(run, skipSpecial: false)));
        Assert.NotEqual(Example.NoLabel, example.Labels![^1]);
        Assert.All(example.Labels.Zip(example.Tokens), pair => Assert.True(pair.First == Example.NoLabel || pair.First == pair.Second));
    }

    [Fact]
    public void A_conversation_that_the_template_refuses_is_a_bad_line()
    {
        const string Template =
            "{% if messages[0].role != 'user' %}{{ raise_exception('The first must be a user') }}{% endif %}{% for m in messages %}{{ "
                + "m.content }}<|im_end|>{% endfor %}";
        const string Bad = """{"messages":[{"role":"assistant","content":"x"}]}""";
        var error = Assert.Throws<FedLoraException>(() => Load(Template, Turns, Bad));
        Assert.Equal("data-invalid", error.Code);
        Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
        var (set, _) = Load(Template, BadLines.Skip, Turns, Bad);
        Assert.Equal((1, 1), (set.Examples.Count, set.Skipped.Count));
    }

    [Theory]
    [InlineData("""{"messages":[]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}]}""")]
    [InlineData("""{"messages":[{"content":"x"}]}""")]
    [InlineData("""{"messages":[{"role":"assistant","content":[{"type":"image"}]}]}""")]
    [InlineData("""{"messages":"x"}""")]
    public void What_is_no_conversation(string line) =>
        Assert.Equal("data-invalid", Assert.Throws<FedLoraException>(() => Load("{{ messages }}", line)).Code);

    [Fact]
    public void Without_a_template_the_model_is_at_fault() =>
        Assert.Equal("chat-template-missing", Assert.Throws<FedLoraException>(() => Load(null, Turns)).Code);

    [Fact]
    public void Every_turn_counts_for_the_ledger()
    {
        const string Secret = "a long turn that somebody wrote once";
        var known = ExampleIdentity.Of($$"""{"text":"{{Secret}}"}""")[0].ToArray();
        var line = $$"""{"messages":[{"role":"user","content":"{{Secret}}"},{"role":"assistant","content":"ok"}]}""";
        Assert.Contains(ExampleIdentity.Of(line), hash => hash.Span.SequenceEqual(known));
        // A structure's columns have their own order.
        var turned = $$"""{"messages":[{"content":"{{Secret}}","role":"user"},{"content":"ok","role":"assistant"}]}""";
        Assert.Equal(ExampleIdentity.Of(line).Select(hash => Convert.ToHexString(hash.Span)), ExampleIdentity.Of(turned)
            .Select(hash => Convert.ToHexString(hash.Span)));
    }

    [Theory]
    [InlineData("system")]
    [InlineData("developer")]
    public void A_shared_system_prompt_or_tool_makes_no_two_conversations_the_same(string role)
    {
        var (one, other) = (Line("what somebody asked one day in spring"), Line("what another one asked on another day"));
        Assert.Empty(Hashes(one).Intersect(Hashes(other)));
        Assert.Equal(2, Hashes(one).Length);

        string Line(string words) => $$"""
            {"messages":[{"role":"{{role}}","content":"You are the helpful assistant of a shop."},{"role":"user","content":"{{words}}"},
            {"role":"assistant","content":"ok"}],"tools":[{"description":"looks up an order by its number"}]}
            """;

        string[] Hashes(string line) => [.. ExampleIdentity.Of(line).Select(hash => Convert.ToHexString(hash.Span))];
    }

    private static IEnumerable<int[]> Runs(Example example)
    {
        var run = new List<int>();
        foreach (var label in example.Labels!.Append(Example.NoLabel))
        {
            if (label != Example.NoLabel)
                run.Add(label);
            else if (run.Count > 0)
            {
                yield return [.. run];
                run.Clear();
            }
        }
    }

    private (DataSet Set, Tokenizer Tokenizer) Load(string? template, params string[] lines) => Load(template, BadLines.Stop, lines);

    private (DataSet Set, Tokenizer Tokenizer) Load(string? template, BadLines bad, params string[] lines)
    {
        File.Copy(Fixtures.PathOf("tokenizers", "smollm2", "tokenizer.json"), Path.Combine(_folder.FullName, "tokenizer.json"),
            overwrite: true);
        if (template is not null)
            File.WriteAllText(Path.Combine(_folder.FullName, "chat_template.jinja"), template);
        var data = Path.Combine(_folder.FullName, "chat.jsonl");
        File.WriteAllLines(data, lines);
        var tokenizer = Tokenizer.Load(_folder.FullName);
        return (DataSet.Load(data, new DataSettings(TextTask.CausalLanguageModelling, 256, [], bad), ModelInput.Of(tokenizer),
            CancellationToken.None),
            tokenizer);
    }
}
