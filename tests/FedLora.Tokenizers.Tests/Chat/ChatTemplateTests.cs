using System.Text.Json;
using FedLora.Tokenizers.Chat;

namespace FedLora.Tokenizers.Tests.Chat;

/// <summary>Held to what Python's jinja2 makes of the same templates (reference.py).</summary>
public sealed class ChatTemplateTests
{
    private static readonly JsonElement Reference = Read();

    public static TheoryData<string> Snippets =>
        [.. Reference.GetProperty("snippets").EnumerateArray().Select(snippet => snippet.GetProperty("template").GetString()!)];

    public static TheoryData<string> Models =>
        [.. Reference.GetProperty("models").EnumerateArray().Select(one => one.GetProperty("model").GetString()!).Distinct()];

    [Theory]
    [MemberData(nameof(Snippets))]
    public void What_templates_are_written_in_is_rendered_as_jinja2_does(string template)
    {
        var wanted = Reference.GetProperty("snippets").EnumerateArray().Single(one => one.GetProperty("template").GetString() == template)
            .GetProperty("text").GetString();
        if (wanted is null)
            Assert.StartsWith("chat-template", Assert.Throws<FedLoraException>(() => Render(template)).Code, StringComparison.Ordinal);
        else
            Assert.Equal(wanted, Render(template));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void The_templates_of_models_are_rendered_as_jinja2_does(string model)
    {
        Assert.SkipWhen(TokenizerFixture.Locate(model) is null, "this vocabulary is not here; ./fedlora test fetches it");
        var template = ChatTemplate.Load(Path.GetDirectoryName(TokenizerFixture.Locate(model))!)!;
        foreach (var one in Reference.GetProperty("models").EnumerateArray().Where(one => one.GetProperty("model").GetString() == model))
        {
            var conversation = Reference.GetProperty("conversations").GetProperty(one.GetProperty("case").GetString()!);
            IReadOnlyList<IReadOnlyDictionary<string,
                object?>> messages = [.. conversation.GetProperty("messages").EnumerateArray()
                    .Select(message => (IReadOnlyDictionary<string, object?>)Value(message)!)];
            var tools = Value(conversation.GetProperty("tools"));
            var prompt = one.GetProperty("prompt").GetBoolean();
            if (one.GetProperty("text").GetString() is { } wanted)
                Assert.Equal(wanted, template.Render(messages, tools, prompt, TestContext.Current.CancellationToken));
            else
                Assert.Equal("chat-template-refused",
                    Assert.Throws<FedLoraException>(() =>
                        template.Render(messages, tools, prompt, TestContext.Current.CancellationToken)).Code);
        }
    }

    [Theory]
    [InlineData("{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}", "does not come to an end")]
    [InlineData("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "too deep")]
    [InlineData("{{ 'a' * 99999999 }}", "beyond all measure")]
    [InlineData("{{ range(999999999) }}", "more than")]
    public void A_template_that_takes_too_much_ends(string template, string why) =>
        Assert.Contains(why, Assert.Throws<FedLoraException>(() => Render(template)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a\n{{ 1 +", "line 2")]
    [InlineData("{% if x %}", "endif")]
    [InlineData("{% endif %}", "without its beginning")]
    [InlineData("{% include 'x' %}", "'include', which is not known")]
    [InlineData("{{ 'a }}", "without an end")]
    [InlineData("{{ ? }}", "unexpected")]
    public void A_broken_template_says_what_and_where(string template, string what)
    {
        var error = Assert.Throws<FedLoraException>(() => ChatTemplate.Parse(template, "here", SpecialTokens.None));
        Assert.Equal("chat-template-invalid", error.Code);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Brackets_a_hundred_deep_end_with_an_error_not_with_the_program() =>
        Assert.Throws<FedLoraException>(() => ChatTemplate.Parse($"{{{{ {new string('(', 100_000)} }}}}", "here", SpecialTokens.None));

    private static string Render(string template) => ChatTemplate.Parse(template, "here", SpecialTokens.None)
        .Render([], cancellationToken: TestContext.Current.CancellationToken);

    private static object? Value(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject()
            .ToDictionary(field => field.Name, field => Value(field.Value), StringComparer.Ordinal),
        JsonValueKind.Array => element.EnumerateArray().Select(Value).ToArray(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out var whole) ? (object)whole : element.GetDouble(),
        JsonValueKind.Null => null,
        _ => element.GetBoolean(),
    };

    private static JsonElement Read()
    {
        using var stream = typeof(ChatTemplateTests).Assembly.GetManifestResourceStream("chat-reference.json")!;
        return JsonDocument.Parse(stream).RootElement.Clone();
    }
}
