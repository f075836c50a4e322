using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Normalizers;

/// <summary>Changes a text before it is split; alignments to the original are kept.</summary>
internal interface INormalizer
{
    void Apply(AlignedText text);
}

/// <summary>One normaliser after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<INormalizer> steps) : INormalizer
{
    public void Apply(AlignedText text)
    {
        foreach (var step in steps)
            step.Apply(text);
    }
}

/// <summary>NFC, NFD, NFKC, NFKD.</summary>
internal sealed class UnicodeNormalizer(bool compose, bool compatibility) : INormalizer
{
    public void Apply(AlignedText text) => UnicodeNormalization.Normalize(text, compose, compatibility);
}

/// <summary>Lower case of each code point without context: every capital sigma becomes U+03C3.</summary>
internal sealed class Lowercase : INormalizer
{
    private static readonly RuneSet Changed = new(rune => rune == 0x130 || UnicodeData.ToLower(rune) != rune);

    public void Apply(AlignedText text) => text.Rewrite(Changed, static (text, i) =>
    {
        if (text[i] == 0x130)
        {
            text.Emit('i', i);
            text.Emit(0x307, i);
        }
        else
        {
            text.Emit(UnicodeData.ToLower(text[i]), i);
        }
    });
}

/// <summary>Leaves out every code point of a set.</summary>
internal sealed class Drop(RuneSet set) : INormalizer
{
    public void Apply(AlignedText text) => text.Rewrite(set, static (_, _) => { });
}

/// <summary>Puts a text in front of what is not empty, aligned with the first code point.</summary>
internal sealed class Prepend(string prefix) : INormalizer
{
    public void Apply(AlignedText text)
    {
        if (text.Count == 0)
            return;
        foreach (var rune in prefix.EnumerateRunes())
            text.Emit(rune.Value, 0);
        text.EmitRange(0, text.Count);
        text.Commit();
    }
}

/// <summary>Replaces every match by a text, aligned with the last code point of the match.</summary>
internal sealed class Replace(RunePattern pattern, string content) : INormalizer
{
    private readonly int[] _content = [.. content.EnumerateRunes().Select(rune => rune.Value)];

    public void Apply(AlignedText text)
    {
        var matches = new List<(int Start, int End)>();
        if (text.Count > 0)
            pattern.FindAll(text.Runes, matches);
        if (matches.Count == 0)
            return;
        var last = 0;
        foreach (var (start, end) in matches)
        {
            text.EmitRange(last, start - last);
            foreach (var rune in _content)
                text.Emit(rune, end - 1);
            last = end;
        }
        text.EmitRange(last, text.Count - last);
        text.Commit();
    }
}

/// <summary>Cuts white space off the ends.</summary>
internal sealed class Strip(bool left, bool right) : INormalizer
{
    public void Apply(AlignedText text)
    {
        int start = 0, end = text.Count;
        while (left && start < end && UnicodeData.WhiteSpace.Contains(text[start]))
            start++;
        while (right && end > start && UnicodeData.WhiteSpace.Contains(text[end - 1]))
            end--;
        text.EmitRange(start, end - start);
        text.Commit();
    }
}

/// <summary>Every UTF-8 byte becomes its character of GPT-2's table.</summary>
internal sealed class ByteLevelNormalizer : INormalizer
{
    public void Apply(AlignedText text)
    {
        for (var i = 0; i < text.Count; i++)
            ByteAlphabet.Emit(text, i);
        text.Commit();
    }
}
