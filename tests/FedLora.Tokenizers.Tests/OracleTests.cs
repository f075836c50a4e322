using System.Text;
using Peer = global::Tokenizers.DotNet.Tokenizer;

namespace FedLora.Tokenizers.Tests;

/// <summary>Ids equal to those of Hugging Face's own library, in this process, over strings made to be awkward.</summary>
public sealed class OracleTests
{
    private const int Strings = 400;

    // First and last of ranges that every Unicode version in use agrees on; the rest of the list are single strings.
    private static readonly (int First, int Last)[] Ranges =
        [(0x20, 0x7E), (0x61, 0x7A), (0x30, 0x39), (0xC0, 0x17E), (0x300, 0x345), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA),
            (0x5B0, 0x5BD), (0x627, 0x652), (0x905, 0x94D), (0xE01, 0xE3A), (0xE40, 0xE4E),
            (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2), (0x1E00, 0x1EF9), (0x2018, 0x2026), (0x3041, 0x3096), (0x30A1, 0x30FA),
            (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xFF01, 0xFF5E), (0x10400, 0x1044F),
            (0x1D400, 0x1D454), (0x1F600, 0x1F64F), (0x20000, 0x2A6D6)];

    private static readonly string[] Words =
        [" ", "  ", "\n", "\r\n", "\n\n\n", "\t", "\u00a0", "\u3000", "\u2581", "\u200d", "\u00ad", "'s", "'LL", "'re ", "don't", "1234567",
            "<s>", "<|endoftext|>", "<bos>", "[SEP]", "[MASK]", "<0x41>", "<unk>",
            "the", " of the", "e\u0301\u0327", "\u212b", "\ufb01", "\u0130", "\u03a3\u03c2", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
            "if (x != null)\n    return;\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"];

    [Theory, VocabularyData("deepseek_v3")]
    public void Ids_of_awkward_strings(string name)
    {
        var file = TokenizerFixture.Locate(name)!;
        Peer? peer = null;
        try
        {
            peer = new Peer(file);
        }
        catch (DllNotFoundException)
        {
            Assert.Skip("Hugging Face's library is not here for this kind of machine");
        }
        var ours = Tokenizer.Load(file);
        var random = new Random(12);
        for (var i = 0; i < Strings; i++)
        {
            var text = Awkward(random, i < 200 ? 12 : 150);
            int[] expected = [.. peer.Encode(text).Select(id => (int)id)];
            var actual = ours.Encode(text).Ids;
            Assert.True(expected.AsSpan().SequenceEqual([.. actual]),
                $"string {i}, {Escaped(text)}:\n{string.Join(' ', expected)}\n{string.Join(' ', actual)}");
        }
    }

    private static string Awkward(Random random, int most)
    {
        var text = new StringBuilder();
        for (var parts = random.Next(1, most); parts > 0; parts--)
        {
            if (random.Next(4) == 0)
            {
                text.Append(Words[random.Next(Words.Length)]);
                continue;
            }
            var (first, last) = Ranges[random.Next(Ranges.Length)];
            for (var run = random.Next(1, 6); run > 0; run--)
                text.Append(char.ConvertFromUtf32(random.Next(first, last + 1)));
        }
        return text.ToString();
    }

    private static string Escaped(string text) =>
        string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:x4}"));
}
