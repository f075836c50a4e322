using System.Collections;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using FedLora.Tokenizers.Chat;

namespace FedLora.Tokenizers.Tests.Chat;

/// <summary>A template is another's program: what it may take of stack, memory and time. Each limit is met where passing it would still do
/// no harm.</summary>
public sealed class ChatTemplateBoundsTests
{
    public static TheoryData<string, string> Chains => new()
    {
        { "{{ messages[0].x", " + 'a'" },
        { "{{ messages[0].x", " ~ 'a'" },
        { "{{ false or messages[0].x", " and messages[0].x" },
        { "{{ messages[0].x", " or false" },
        { "{{ 0 * (messages[0].x | length)", " * 1" },
        { "{{ messages[0].x", " | trim" },
        { "{{ messages[0].x", ".strip()" },
        { "{{ messages[0].x", " if true" },
    };

    [Theory]
    [MemberData(nameof(Chains))]
    public void A_chain_of_operators_takes_no_more_stack_for_being_long(string begin, string link) =>
        Assert.InRange(Frames($"{begin}{string.Concat(Enumerable.Repeat(link, 400))} }}}}") - Frames($"{begin}{link} }}}}"), -50, 50);

    [Fact]
    public void A_chain_of_elif_takes_no_more_stack_for_being_long() => Assert.InRange(
        Frames($"{{% if false %}}{string.Concat(Enumerable.Repeat("{% elif false %}", 400))}"
            + "{% else %}{{ messages[0].x }}{% endif %}")
            - Frames("{% if false %}{% elif false %}{% else %}{{ messages[0].x }}{% endif %}"), -50, 50);

    [Theory]
    [InlineData("{{ ns.x }}")]
    [InlineData("{{ ns.x | string | length }}")]
    [InlineData("{{ ns.x | tojson }}")]
    [InlineData("{{ ns.x == ns.y }}")]
    [InlineData("{{ ns.x in [ns.y] }}")]
    public void A_value_nested_beyond_measure_is_refused(string use) => Refused("within each other",
        "{% set ns = namespace(x=[], y=[]) %}{% for i in range(150) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}" + use);

    [Fact]
    public void The_statements_between_calls_of_a_macro_count_too() => Refused("nested too deep",
        $"{{% macro f(n) %}}{string.Concat(Enumerable.Repeat("{% if true %}", 40))}{{% if n %}}{{{{ f(n - 1) }}}}{{% endif %}}"
            + $"{string.Concat(Enumerable.Repeat("{% endif %}", 40))}{{% endmacro %}}{{{{ f(40) }}}}");

    // Each would write or go through some hundred million characters or items: much, but no more than this machine has.
    [Theory]
    [InlineData("{% set ns.x = ns.x ~ a %}")]
    [InlineData("{% set ns.x = a + a %}")]
    [InlineData("{% set ns.x = [a, a, a, a] | join('-') %}")]
    [InlineData("{% set ns.x = '-'.join([a, a, a, a]) %}")]
    [InlineData("{% set ns.x = ('aaaaaaaa' * 128) | replace('a', b) %}")]
    [InlineData("{% set ns.x = ('aaaaaaaa' * 128).replace('a', b) %}")]
    [InlineData("{% set ns.x = ('\n' * 4096) | replace('\n', '\nx') | indent(64) %}")]
    [InlineData("{% set ns.x = a | upper %}")]
    [InlineData("{% set ns.x = a.strip() %}")]
    [InlineData("{% set ns.x = a.split('a') | length %}")]
    [InlineData("{% set ns.x = a | list | length %}")]
    [InlineData("{% set ns.x = a[::-1] %}")]
    [InlineData("{% set ns.x = a | tojson %}")]
    [InlineData("{% set ns.x = [a] | string %}")]
    [InlineData("{% set ns.x = a == c %}")]
    [InlineData("{% set ns.x = a < c %}")]
    [InlineData("{% set ns.x = 'b' in a %}")]
    [InlineData("{% set ns.x = range(9000) | sum %}")]
    [InlineData("{% set ns.x = range(5000) | map('string') | length %}")]
    [InlineData("{% set ns.x = range(200) | unique | length %}")]
    [InlineData("{% set y %}{{ a }}{% endset %}")]
    public void What_makes_or_goes_through_much_is_counted(string statement) => Refused("characters of work",
        "{% set ns = namespace(x='') %}{% set b = 'b' * 128 %}{% set a = 'a' * 99999 %}{% set c = 'a' * 99998 ~ 'b' %}"
            + $"{{% for i in range(3000) %}}{statement}{{% endfor %}}");

    [Fact]
    public void Operators_without_a_statement_between_them_are_counted() => Refused("characters of work",
        $"{{% for i in range(2000) %}}{{% set x = 1{string.Concat(Enumerable.Repeat(" + 1", 20_000))} %}}{{% endfor %}}");

    [Fact]
    public void A_value_that_holds_one_part_many_times_is_counted_as_it_is_written() => Refused("characters of work",
        "{% set ns = namespace(x=[1]) %}{% for i in range(25) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson | length }}");

    [Theory]
    [InlineData("{% break %}")]
    [InlineData("{% for i in [1] %}{{ loop.cycle() }}{% endfor %}")]
    [InlineData("{{ 'a'.replace() }}")]
    [InlineData("{{ [1].index(2) }}")]
    [InlineData("{{ 1 is eq }}")]
    public void What_does_not_fit_is_refused_whatever_it_is(string template) => Assert.Equal("chat-template-refused",
        Assert.Throws<FedLoraException>(() => Render(template)).Code);

    [Fact]
    public void Rendering_ends_when_nobody_wants_it()
    {
        using var ended = new CancellationTokenSource();
        var template = ChatTemplate.Parse("{% for m in messages %}{{ m.x }}{% endfor %}", "here", SpecialTokens.None);
        Assert.Throws<OperationCanceledException>(() => template.Render([new Watched(ended.Cancel), new Watched(() => { })],
            cancellationToken: ended.Token));
    }

    // 200,000 names in lines of their own, or within raw text: minutes where each looks at the whole rest again.
    [Theory]
    [InlineData("{{ [", "a,\n", "] | length }}")]
    [InlineData("{% raw %}", "{% a", "{% endraw %}")]
    public async Task A_long_template_is_read_in_one_pass(string begin, string part, string end)
    {
        var source = begin + string.Concat(Enumerable.Repeat(part, 200_000)) + end;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var reading = Task.Run(() => ChatTemplate.Parse(source, "here", SpecialTokens.None), over.Token);
        Assert.NotNull(await reading.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    private static void Refused(string why, string template)
    {
        var error = Assert.Throws<FedLoraException>(() => Render(template));
        Assert.Equal("chat-template-refused", error.Code);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    private static string Render(string template) => ChatTemplate.Parse(template, "here", SpecialTokens.None)
        .Render([], cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>How deep the stack is where the template reads a message's field.</summary>
    private static int Frames(string template)
    {
        var frames = 0;
        ChatTemplate.Parse(template, "here", SpecialTokens.None).Render([new Watched(() => frames = new StackTrace().FrameCount)],
            cancellationToken: TestContext.Current.CancellationToken);
        return frames > 0 ? frames : throw new InvalidOperationException("the field was not read");
    }

    private sealed class Watched(Action read) : IReadOnlyDictionary<string, object?>
    {
        public int Count => 1;

        public IEnumerable<string> Keys => ["x"];

        public IEnumerable<object?> Values => ["x"];

        public object? this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException();

        public bool ContainsKey(string key) => key == "x";

        public bool TryGetValue(string key, [MaybeNullWhen(false)] out object? value)
        {
            read();
            value = key == "x" ? "x" : null;
            return key == "x";
        }

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
        {
            yield return new("x", this["x"]);
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
