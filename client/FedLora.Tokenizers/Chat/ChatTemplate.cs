using System.Text;
using System.Text.Json;

namespace FedLora.Tokenizers.Chat;

/// <summary>
/// A model's chat template: the part of Jinja that the templates of <c>tokenizer_config.json</c> and <c>chat_template.jinja</c> use,
/// rendered as transformers'
/// <c>apply_chat_template</c> renders it. The day's date (<c>strftime_now</c>) is not given to it: templates that ask for it fall back to a
/// date of their own.
/// </summary>
public sealed class ChatTemplate
{
    private const int LongestTemplate = 1 << 20;
    private const long LongestRange = 100_000;

    private readonly TemplatePart _render;
    private readonly string _place;
    private readonly SpecialTokens _special;

    private ChatTemplate(string source, string place, SpecialTokens special)
    {
        (_place, _special) = (place, special);
        try
        {
            _render = source.Length <= LongestTemplate ? TemplateParser.Parse(source)
                : throw new TemplateException(0, $"has more than {LongestTemplate} characters");
        }
        catch (TemplateException e)
        {
            throw new FedLoraException("chat-template-invalid", $"The chat template of {place} cannot be used: {e.Message}.",
                "Fetch the file again from where the model came from, or write a simpler chat_template.jinja beside it.", e);
        }
    }

    /// <summary>Reads a template.</summary>
    /// <param name="source">The template.</param>
    /// <param name="place">What to call it in errors.</param>
    /// <param name="special">Its <c>bos_token</c>, <c>eos_token</c>, ...</param>
    /// <exception cref="FedLoraException"><c>chat-template-invalid</c>, naming the line.</exception>
    public static ChatTemplate Parse(string source, string place, SpecialTokens special) => new(source, place, special);

    /// <summary>The template of a model folder: <c>chat_template.jinja</c>, else that of <c>tokenizer_config.json</c> (of several, the one
    /// named <c>default</c>); null where there is none.</summary>
    /// <exception cref="FedLoraException"><c>chat-template-invalid</c>, <c>tokenizer-invalid</c>.</exception>
    public static ChatTemplate? Load(string folder)
    {
        var special = SpecialTokens.Load(folder);
        var own = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(own))
            return new ChatTemplate(File.ReadAllText(own), own, special);
        var config = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(config))
            return null;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(config));
            return SourceIn(json.RootElement) is { } source ? new ChatTemplate(source, config, special) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // Of several templates one that is no object or has none, a name that is no text, half a surrogate pair.
            throw new FedLoraException("chat-template-invalid", $"The chat template of {config} cannot be read: {error.Message}",
                "Fetch the file again from where the model came from, or write a chat_template.jinja beside it.", error);
        }
    }

    private static string? SourceIn(JsonElement config) =>
        config.ValueKind != JsonValueKind.Object || !config.TryGetProperty("chat_template", out var template) ? null
        : template.ValueKind switch
        {
            JsonValueKind.String => template.GetString(),
            JsonValueKind.Array => template.EnumerateArray()
                .Where(one => one.TryGetProperty("name", out var name) && name.ValueEquals("default"))
                    .Select(one => one.GetProperty("template").GetString()).FirstOrDefault(),
            _ => null,
        };

    /// <summary>Writes a conversation as the model reads it.</summary>
    /// <param name="messages">Objects with <c>role</c> and <c>content</c>.</param>
    /// <param name="tools">What the template is told of tools; null for nothing.</param>
    /// <param name="addGenerationPrompt">Whether to end with the beginning of an answer of the assistant's.</param>
    /// <param name="cancellationToken">Ends the rendering.</param>
    /// <exception cref="FedLoraException"><c>chat-template-refused</c>: the template does not take this conversation, uses what is not
    /// known here, or takes too much time, memory or depth.</exception>
    public string Render(IReadOnlyList<IReadOnlyDictionary<string, object?>> messages, object? tools = null,
        bool addGenerationPrompt = false, CancellationToken cancellationToken = default)
    {
        var bounds = new TemplateBounds(cancellationToken);
        var names = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["messages"] = messages,
            ["tools"] = tools,
            ["documents"] = null,
            ["add_generation_prompt"] = addGenerationPrompt,
            ["namespace"] = (TemplateFunction)((_, named) => new TemplateNamespace(named.ToDictionary(StringComparer.Ordinal))),
            ["dict"] = (TemplateFunction)((_, named) => named.ToDictionary(StringComparer.Ordinal)),
            ["range"] = (TemplateFunction)((given, _) =>
                Range([.. given.Select(value => TemplateValues.Whole(value)
                    ?? throw new TemplateException(0, "takes a range of something that is no whole number"))], bounds)),
            ["raise_exception"] = (TemplateFunction)((given, _) =>
                throw new TemplateException(0, $"says: {(given.Count > 0 ? TemplateValues.Text(given[0], bounds) : "")}")),
        };
        foreach (var (name, token) in (ReadOnlySpan<(string, string?)>)[("bos_token", _special.BeginOfText),
            ("eos_token", _special.EndOfText), ("pad_token", _special.Pad), ("unk_token", _special.Unknown)])
        {
            if (token is not null)
                names[name] = token;
        }
        try
        {
            var output = new StringBuilder();
            _render(new TemplateScope(names, bounds), output);
            return output.ToString();
        }
        catch (TemplateException e)
        {
            throw new FedLoraException("chat-template-refused",
                $"The chat template of {_place} does not take the conversation: {e.Message}.",
                    "Mend the conversation, or leave such lines out with --on-bad-line skip.", e);
        }
        catch (Exception e) when (e is not (FedLoraException or OperationCanceledException or OutOfMemoryException))
        {
            // A method or filter with fewer arguments than it wants, a loop's end outside of loops, ...
            throw new FedLoraException("chat-template-refused",
                $"The chat template of {_place} calls something with arguments that do not fit it.",
                    "Write a simpler chat_template.jinja beside it.", e);
        }
    }

    private static object?[] Range(long[] given, TemplateBounds bounds)
    {
        var (from, to, step) = given switch
        {
            [var end] => (0L, end, 1L),
            [var begin, var end] =>
            (begin, end, 1L),
            [var begin, var end, var by] => (begin, end, by),
            _ =>
                throw new TemplateException(0, "calls range without bounds")
        };
        var count = step == 0 ? throw new TemplateException(0, "takes a range in steps of 0")
            : Math.Max(0, (long)Math.Ceiling((to - (double)from) / step));
        if (count > LongestRange)
            throw new TemplateException(0, $"takes a range of more than {LongestRange} numbers");
        bounds.Spend(count * TemplateBounds.Item);
        return [.. Enumerable.Range(0, (int)count).Select(i => (object?)(from + (i * step)))];
    }
}
