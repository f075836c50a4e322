using System.Text;

namespace FedLora.Tokenizers.Text;

/// <summary>GPT-2's table of a printable character for every byte: itself where it has one, else the next from U+0100.</summary>
internal static class ByteAlphabet
{
    private static readonly int[] Characters = new int[256];
    private static readonly Dictionary<int, byte> Bytes = [];

    static ByteAlphabet()
    {
        var next = 256;
        for (var b = 0; b < 256; b++)
        {
            Characters[b] = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? b : next++;
            Bytes[Characters[b]] = (byte)b;
        }
    }

    /// <summary>The character of the space: U+0120.</summary>
    public static int Space => Characters[' '];

    public static int Character(byte value) => Characters[value];

    /// <summary>Emits the characters of a code point's UTF-8 bytes, all aligned with it.</summary>
    public static void Emit(AlignedText text, int index)
    {
        var rune = text[index];
        if (rune < 0x80)
        {
            text.Emit(Characters[rune], index);
            return;
        }
        Span<byte> bytes = stackalloc byte[4];
        var length = new Rune(rune).EncodeToUtf8(bytes);
        foreach (var b in bytes[..length])
            text.Emit(Characters[b], index);
    }

    /// <summary>The bytes of a token; of one that has other characters, its own UTF-8 bytes.</summary>
    public static void Decode(string token, List<byte> output)
    {
        var start = output.Count;
        foreach (var rune in token.EnumerateRunes())
        {
            if (!Bytes.TryGetValue(rune.Value, out var b))
            {
                output.RemoveRange(start, output.Count - start);
                output.AddRange(Encoding.UTF8.GetBytes(token));
                return;
            }
            output.Add(b);
        }
    }
}
