using FedLora.Tokenizers;
using FedLora.Tokenizers.Chat;

namespace FedLora.Training.Data;

/// <summary>
/// Turns a conversation into an example by the model's own chat template: the loss is on the assistant's turns only, each from where the
/// template begins an answer through
/// the token that ends it. What stands behind the last such turn is left out; of too long conversations the end is.
/// </summary>
internal sealed class ConversationEncoder(Tokenizer tokenizer, int maxLength)
{
    // No text of a conversation holds it, and no template knows it.
    private const string Mark = "\uE0F1\uE0F2";

    private readonly Tokenizer _whole = tokenizer.With(null, null);
    private readonly HashSet<int> _special = [.. tokenizer.AddedTokens.Where(token => token.Special).Select(token => token.Id)];

    /// <exception cref="FedLoraException"><c>data-invalid</c>, <c>chat-template-missing</c>, <c>chat-template-invalid</c>.</exception>
    public (Example Example, int Cut) Encode(Conversation conversation, TextRecord record, CancellationToken cancellationToken)
    {
        var template = tokenizer.ChatTemplate ?? throw new FedLoraException("chat-template-missing",
            $"{record.Place} is a conversation, and the model's folder has no chat template.",
                "Choose a model with a chat_template, write chat_template.jinja into its folder, or give prompt and completion.");
        string text;
        try
        {
            text = template.Render(conversation.Messages, conversation.Tools, addGenerationPrompt: false, cancellationToken);
        }
        catch (FedLoraException e) when (e.Code == "chat-template-refused")
        {
            throw record.Bad(e.Message.TrimEnd('.'), e);
        }
        // The template writes what begins a text itself.
        var encoded = _whole.Encode(text, addSpecial: false);
        var labels = Enumerable.Repeat(Example.NoLabel, encoded.Count).ToArray();
        foreach (var turn in conversation.Learnt)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (start, end) = Turn(template, conversation, turn, text, cancellationToken)
                ?? throw record.Bad($"has an assistant's message {turn + 1} that the chat template does not write as it stands");
            Learn(encoded, labels, Points(text, start), Points(text, end));
        }
        var last = Array.FindLastIndex(labels, label => label != Example.NoLabel);
        if (last < 0)
            throw record.Bad("has nothing in its assistant's messages to learn");
        var kept = Math.Min(last + 1, maxLength);
        return (new Example([.. encoded.Ids.Take(kept)]) { Labels = labels[..kept] }, last + 1 - kept);
    }

    /// <summary>Where a turn's answer lies in the text: found by what changes when something is put before and behind it.</summary>
    private static (int Start, int End)? Turn(ChatTemplate template, Conversation conversation, int turn, string text,
        CancellationToken cancellationToken)
    {
        var messages = conversation.Messages;
        // What the template writes before an answer, where it keeps it so in a longer conversation.
        var before = Tried(template, [.. messages.Take(turn)], conversation.Tools, addGenerationPrompt: true, cancellationToken);
        int? start = before is not null && text.StartsWith(before, StringComparison.Ordinal) ? before.Length : null;
        if (messages[turn].GetValueOrDefault("content") is not string { Length: > 0 } content)
        {
            // A call of tools: it ends where the conversation would.
            var through = Tried(template, [.. messages.Take(turn + 1)], conversation.Tools, addGenerationPrompt: false,
                cancellationToken);
            return start is { } from && through is not null && text.StartsWith(through, StringComparison.Ordinal)
                ? (from, from + text[from..through.Length].TrimEnd().Length) : null;
        }
        if (With(content + Mark) is not { } behind)
            return null;
        var end = text.AsSpan().CommonPrefixLength(behind);
        if (start is null && With(Mark + content) is { } ahead)
            start = text.Length - Suffix(text, ahead);
        return start <= end ? (start.Value, end) : null;

        string? With(string other) =>
            Tried(template, [.. messages.Select((message, i) => i != turn ? message
                : new Dictionary<string, object?>(message, StringComparer.Ordinal) { ["content"] = other })], conversation.Tools,
                    addGenerationPrompt: false, cancellationToken)
            is { } changed && changed.Contains(Mark, StringComparison.Ordinal) ? changed : null;
    }

    /// <summary>Labels the tokens of a span, and the special token that ends it, white space between.</summary>
    private void Learn(EncodedText text, int[] labels, int start, int end)
    {
        for (var i = 0; i < text.Count; i++)
        {
            var at = text.Offsets[i];
            if (at.Start < start)
                continue;
            if (at.Start < end)
            {
                labels[i] = text.Ids[i];
                continue;
            }
            var close = i;
            while (close < text.Count && !_special.Contains(text.Ids[close])
                && string.IsNullOrWhiteSpace(tokenizer.Decode([text.Ids[close]])))
                close++;
            for (; close < text.Count && _special.Contains(text.Ids[close]) && i <= close; i++)
                labels[i] = text.Ids[i];
            return;
        }
    }

    private static string? Tried(ChatTemplate template, IReadOnlyList<IReadOnlyDictionary<string, object?>> messages, object? tools,
        bool addGenerationPrompt, CancellationToken cancellationToken)
    {
        try
        {
            return template.Render(messages, tools, addGenerationPrompt, cancellationToken);
        }
        catch (FedLoraException e) when (e.Code == "chat-template-refused")
        {
            // A part of a conversation need not be one.
            return null;
        }
    }

    private static int Suffix(string a, string b)
    {
        var same = 0;
        while (same < Math.Min(a.Length, b.Length) && a[^(same + 1)] == b[^(same + 1)])
            same++;
        return same;
    }

    private static int Points(string text, int position) => position - text.Take(position).Count(char.IsLowSurrogate);
}
