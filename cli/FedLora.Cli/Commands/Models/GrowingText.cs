using FedLora.Tokenizers;

namespace FedLora.Cli.Commands.Models;

/// <summary>
/// A text as its tokens come. They are decoded together with the prompt, so that blanks and characters across a seam come out right; what a
/// later token may still change, half a character, is held back.
/// </summary>
internal sealed class GrowingText(Tokenizer tokenizer, IReadOnlyList<int> prompt)
{
    private readonly List<int> _tokens = [.. prompt];
    private int _shown;

    /// <summary>All of it as it is now.</summary>
    public string Text { get; private set; } = tokenizer.Decode(prompt);

    /// <summary>What can be shown now that was not.</summary>
    public string Next(bool isLast = false)
    {
        var end = isLast ? Text.Length : Text.AsSpan().TrimEnd('\uFFFD').Length;
        if (end <= _shown)
            return "";
        var piece = Text[_shown..end];
        _shown = end;
        return piece;
    }

    /// <summary>Adds a token.</summary>
    public void Add(int token)
    {
        _tokens.Add(token);
        Text = tokenizer.Decode(_tokens);
    }
}
