using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.PostProcessors;

/// <summary>Adds special tokens around the one or two texts. Each part is one text, or added tokens.</summary>
internal interface IPostProcessor
{
    /// <summary>How many tokens are added to one text, or to a pair.</summary>
    int Added(bool pair);

    /// <summary>Returns the parts in their new order.</summary>
    List<List<Token>> Apply(List<List<Token>> parts, bool addSpecial);
}

/// <summary>One after the other.</summary>
internal sealed class PostProcessorSequence(IReadOnlyList<IPostProcessor> steps) : IPostProcessor
{
    public int Added(bool pair) => steps.Sum(step => step.Added(pair));

    public List<List<Token>> Apply(List<List<Token>> parts, bool addSpecial) =>
        steps.Aggregate(parts, (current, step) => step.Apply(current, addSpecial));
}

/// <summary>A part of a template: a text (<paramref name="Sequence"/> 0 or 1) or special tokens (-1).</summary>
internal sealed record TemplatePart(int Sequence, int TypeId, IReadOnlyList<Token> Special);

/// <summary>Special tokens and texts in the order of a template; one template for one text, one for a pair.</summary>
internal sealed class Template(IReadOnlyList<TemplatePart> single, IReadOnlyList<TemplatePart> pair) : IPostProcessor
{
    public int Added(bool isPair) => (isPair ? pair : single).Sum(part => part.Special.Count);

    public List<List<Token>> Apply(List<List<Token>> parts, bool addSpecial)
    {
        var result = new List<List<Token>>();
        foreach (var part in parts.Count > 1 ? pair : single)
        {
            // One that a template before this one has left out is not there.
            if (part.Sequence >= parts.Count)
                continue;
            if (part.Sequence >= 0)
                result.Add(parts[part.Sequence].ConvertAll(token => token with { TypeId = part.TypeId }));
            else if (addSpecial)
                result.Add([.. part.Special]);
        }
        return result;
    }
}

/// <summary>RoBERTa's: a pair's second text has a separator on either side, and every type id is 0.</summary>
internal sealed class RobertaProcessing(Token start, Token end, bool trimOffsets, bool addPrefixSpace) : IPostProcessor
{
    public int Added(bool pair) => pair ? 4 : 2;

    public List<List<Token>> Apply(List<List<Token>> parts, bool addSpecial)
    {
        var result = new List<List<Token>>();
        for (var i = 0; i < parts.Count; i++)
        {
            var text = (trimOffsets ? OffsetTrimming.Apply(parts[i], addPrefixSpace) : parts[i])
                .ConvertAll(token => token with { TypeId = 0 });
            result.Add(addSpecial ? [i == 0 ? start : end, .. text, end] : text);
        }
        return result;
    }
}

/// <summary>Byte-level BPE's: perhaps cuts white space out of the offsets.</summary>
internal sealed class ByteLevelProcessing(bool trimOffsets, bool addPrefixSpace) : IPostProcessor
{
    public int Added(bool pair) => 0;

    public List<List<Token>> Apply(List<List<Token>> parts, bool addSpecial) =>
        trimOffsets ? parts.ConvertAll(part => OffsetTrimming.Apply(part, addPrefixSpace)) : parts;
}

/// <summary>Cuts the spaces at a token's ends out of its offsets.</summary>
internal static class OffsetTrimming
{
    public static List<Token> Apply(List<Token> tokens, bool addPrefixSpace)
    {
        var result = new List<Token>(tokens.Count);
        foreach (var token in tokens)
        {
            var (leading, trailing) = Spaces(token.Text);
            var (start, end) = token.Offset;
            if (leading > 0)
            {
                // One space in front of the first word is the one that was added.
                if (leading == 1 && addPrefixSpace && (result.Count == 0 || start == 0))
                    leading = 0;
                start = Math.Min(start + leading, end);
            }
            if (trailing > 0 && end >= trailing)
                end = Math.Max(end - trailing, start);
            result.Add(token with { Offset = new TextSpan(start, end) });
        }
        return result;
    }

    // Code points; every space is in the first plane.
    private static (int Leading, int Trailing) Spaces(string text)
    {
        int leading = 0, trailing = 0;
        while (leading < text.Length && IsSpace(text[leading]))
            leading++;
        while (trailing < text.Length && IsSpace(text[text.Length - 1 - trailing]))
            trailing++;
        return (leading, trailing);
    }

    private static bool IsSpace(int rune) => rune == ByteAlphabet.Space || UnicodeData.WhiteSpace.Contains(rune);
}
