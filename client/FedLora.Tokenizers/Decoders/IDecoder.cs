using System.Globalization;
using System.Text;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Decoders;

/// <summary>Turns tokens back into text, step by step; the steps' results are joined at the end.</summary>
internal interface IDecoder
{
    List<string> Decode(List<string> tokens);
}

/// <summary>One after the other.</summary>
internal sealed class DecoderSequence(IReadOnlyList<IDecoder> steps) : IDecoder
{
    public List<string> Decode(List<string> tokens) => steps.Aggregate(tokens, (current, step) => step.Decode(current));
}

/// <summary>GPT-2's alphabet back to bytes, these to text; what is not UTF-8 becomes U+FFFD.</summary>
internal sealed class ByteLevelDecoder : IDecoder
{
    public List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
            ByteAlphabet.Decode(token, bytes);
        return [Encoding.UTF8.GetString([.. bytes])];
    }
}

/// <summary>A run of tokens <c>&lt;0xNN&gt;</c> becomes the text of its bytes, or one U+FFFD per byte.</summary>
internal sealed class ByteFallbackDecoder : IDecoder
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public List<string> Decode(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
                && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
            {
                bytes.Add(b);
                continue;
            }
            Flush(bytes, result);
            result.Add(token);
        }
        Flush(bytes, result);
        return result;
    }

    private static void Flush(List<byte> bytes, List<string> result)
    {
        if (bytes.Count == 0)
            return;
        try
        {
            result.Add(Strict.GetString([.. bytes]));
        }
        catch (DecoderFallbackException)
        {
            result.AddRange(Enumerable.Repeat("\uFFFD", bytes.Count));
        }
        bytes.Clear();
    }
}

/// <summary>Joins all tokens into one.</summary>
internal sealed class FuseDecoder : IDecoder
{
    public List<string> Decode(List<string> tokens) => [string.Concat(tokens)];
}

/// <summary>Cuts a character off each token, at most so many times at either end.</summary>
internal sealed class StripDecoder(int content, int start, int stop) : IDecoder
{
    public List<string> Decode(List<string> tokens) => tokens.ConvertAll(token =>
    {
        var runes = token.EnumerateRunes().ToArray();
        int from = 0, to = runes.Length;
        while (from < start && from < to && runes[from].Value == content)
            from++;
        while (runes.Length - to < stop && to > from && runes[to - 1].Value == content)
            to--;
        return string.Concat(runes[from..to].Select(rune => rune.ToString()));
    });
}

/// <summary>Replaces every match by a text.</summary>
internal sealed class ReplaceDecoder(RunePattern pattern, string content) : IDecoder
{
    public List<string> Decode(List<string> tokens) => tokens.ConvertAll(token =>
    {
        var text = new AlignedText();
        text.Set(token);
        new Normalizers.Replace(pattern, content).Apply(text);
        return text.ToString();
    });
}

/// <summary>The mark becomes a space; in front of the first token it was added and goes.</summary>
internal sealed class MetaspaceDecoder(string replacement, bool prefixed) : IDecoder
{
    public List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, i) => token.Replace(replacement, i == 0 && prefixed ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>The suffix that ends a word becomes a space, but for the last.</summary>
internal sealed class BpeDecoder(string suffix) : IDecoder
{
    public List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, i) => token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>
/// Continuing pieces join what is before them, others get a space; clean-up pulls punctuation and English clitics to the word before.
/// </summary>
internal sealed class WordPieceDecoder(string prefix, bool cleanup) : IDecoder
{
    // In this order, token by token, as the library does.
    private static readonly (string From, string To)[] Rules =
        [(" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
            (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")];

    public List<string> Decode(List<string> tokens) => [.. tokens.Select((token, i) =>
    {
        if (i > 0)
            token = token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        return cleanup ? Rules.Aggregate(token, (text, rule) => text.Replace(rule.From, rule.To, StringComparison.Ordinal)) : token;
    })];
}
