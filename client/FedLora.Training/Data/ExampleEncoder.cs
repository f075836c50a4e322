using FedLora.Tokenizers;

namespace FedLora.Training.Data;

/// <summary>Turns records into examples of at most so many tokens; says how many tokens were cut off.</summary>
internal sealed class ExampleEncoder(Tokenizer tokenizer, int maxLength) : IExampleEncoder
{
    private readonly Tokenizer _cutting = tokenizer.With(new Truncation(maxLength), null);
    private readonly Tokenizer _whole = tokenizer.With(null, null);
    private readonly int? _end = tokenizer.IdOf(tokenizer.Special.EndOfText);

    private readonly ConversationEncoder _conversations = new(tokenizer, maxLength);

    public (Example Example, int Cut) Encode(TextRecord record, TextTask task, CancellationToken cancellationToken) =>
        record.Image is not null ? throw record.Bad("is an image, and the model reads texts")
        : task == TextTask.SequenceClassification ? Classify(record)
        : record.Conversation is { } conversation ? _conversations.Encode(conversation, record, cancellationToken)
        : record.Prompt is null ? Text(record) : Completion(record);

    private (Example, int Cut) Classify(TextRecord record)
    {
        var text = _cutting.Encode(record.Text);
        return (new Example([.. text.Ids]) { TokenTypes = Types(text), Class = record.Class }, text.Truncated);
    }

    /// <summary>Every token is learnt, and the end of the text, where the tokenizer has one.</summary>
    private (Example, int Cut) Text(TextRecord record)
    {
        var text = _whole.Encode(record.Text);
        int[] tokens = [.. text.Ids, .. End(text.Ids)];
        var kept = tokens[..Math.Min(tokens.Length, maxLength)];
        return (new Example(kept) { Labels = kept }, tokens.Length - kept.Length);
    }

    /// <summary>
    /// Only the completion and the end are learnt. Too long: the prompt loses its beginning (but for what the tokenizer puts in front),
    /// down to a quarter of the room; then the completion its end.
    /// </summary>
    private (Example, int Cut) Completion(TextRecord record)
    {
        var prompt = _whole.Encode(record.Prompt!);
        var bare = _whole.Encode(record.Text, addSpecial: false);
        // What the post-processor puts in front (a beginning of text) stays; what it puts behind would part prompt and completion.
        int[] front = [.. prompt.Ids.Zip(prompt.SpecialMask).TakeWhile(token => token.Second == 1).Select(token => token.First)];
        int[] middle = [.. prompt.Ids.Zip(prompt.SpecialMask).Where(token => token.Second == 0).Select(token => token.First)];
        int[] rest = [.. bare.Ids, .. End(bare.Ids)];
        var room = maxLength - front.Length;
        var keepPrompt = Math.Min(middle.Length, Math.Max(room - rest.Length, room / 4));
        var keepRest = Math.Min(rest.Length, room - keepPrompt);
        int[] tokens = [.. front, .. middle[^keepPrompt..], .. rest[..keepRest]];
        var labels = Enumerable.Range(0, tokens.Length).Select(i => i < tokens.Length - keepRest ? Example.NoLabel : tokens[i]).ToArray();
        return (new Example(tokens) { Labels = labels }, middle.Length - keepPrompt + rest.Length - keepRest);
    }

    private int[] End(IReadOnlyList<int> tokens) => _end is { } end && (tokens.Count == 0 || tokens[^1] != end) ? [end] : [];

    private static int[]? Types(EncodedText text) => text.TypeIds.Any(type => type != 0) ? [.. text.TypeIds] : null;
}
