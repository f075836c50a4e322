namespace FedLora.Tokenizers;

/// <summary>A span [Start, End) of a text in code points.</summary>
public readonly record struct TextSpan(int Start, int End);

/// <summary>A tokenised text, or pair of texts. All lists have one entry per token.</summary>
/// <param name="Ids">Ids in the vocabulary.</param>
/// <param name="TypeIds">0 for the first text, 1 for the second, as the post-processor says.</param>
/// <param name="Tokens">The tokens as the vocabulary spells them (byte-level ones in GPT-2's alphabet).</param>
/// <param name="Offsets">Where each token lies in its own text, in code points; [0, 0) for added and padding tokens.</param>
/// <param name="SpecialMask">1 for tokens that the post-processor or padding added.</param>
/// <param name="AttentionMask">0 for padding.</param>
/// <param name="Truncated">How many tokens truncation cut off.</param>
public sealed record EncodedText(
    IReadOnlyList<int> Ids,
    IReadOnlyList<int> TypeIds,
    IReadOnlyList<string> Tokens,
    IReadOnlyList<TextSpan> Offsets,
    IReadOnlyList<int> SpecialMask,
    IReadOnlyList<int> AttentionMask,
    int Truncated)
{
    /// <summary>Number of tokens, padding included.</summary>
    public int Count => Ids.Count;
}

/// <summary>One token on its way through truncation, post-processing and padding.</summary>
internal readonly record struct Token(int Id, string Text, TextSpan Offset, int TypeId = 0, bool Added = false);
