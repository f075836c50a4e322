using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.PreTokenizers;

/// <summary>Splits a text into the pieces that the model tokenises each on its own.</summary>
internal interface IPreTokenizer
{
    void Apply(PieceText text);

    /// <summary>The same without its last step, which makes bytes GPT-2's characters; null where that is not its last step.</summary>
    IPreTokenizer? WithoutBytes() => null;
}

/// <summary>One after the other.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<IPreTokenizer> steps) : IPreTokenizer
{
    public void Apply(PieceText text)
    {
        foreach (var step in steps)
            step.Apply(text);
    }

    public IPreTokenizer? WithoutBytes() =>
        steps.Count > 0 && steps[^1].WithoutBytes() is { } last ? new PreTokenizerSequence([.. steps.SkipLast(1), last]) : null;
}

/// <summary>Splits at single code points: Digits, Punctuation, WhitespaceSplit, CharDelimiterSplit.</summary>
internal sealed class SetSplit(RuneSet set, SplitBehavior behavior) : IPreTokenizer
{
    public void Apply(PieceText text) => text.Split(set, behavior);
}

/// <summary>Splits at a pattern: Split, Whitespace.</summary>
internal sealed class PatternSplit(RunePattern pattern, SplitBehavior behavior, bool invert) : IPreTokenizer
{
    public void Apply(PieceText text) => text.Split(pattern, behavior, invert);
}

/// <summary>BERT's: white space removed, punctuation apart.</summary>
internal sealed class BertPreTokenizer : IPreTokenizer
{
    public void Apply(PieceText text)
    {
        text.Split(UnicodeData.WhiteSpace, SplitBehavior.Removed);
        text.Split(UnicodeData.Punctuation, SplitBehavior.Isolated);
    }
}
