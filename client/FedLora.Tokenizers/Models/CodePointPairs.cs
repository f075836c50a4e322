namespace FedLora.Tokenizers.Models;

/// <summary>
/// Which code points merges put side by side. Where two that no merge does meet, a text can be cut before it is merged: no symbol ever
/// spans the place, and merges on either side of it do not touch each other. A set of hashes: it may hold a pair too many, never one too
/// few.
/// </summary>
internal sealed class CodePointPairs
{
    private const int Bits = 22;
    private readonly ulong[] _bits = new ulong[1 << (Bits - 6)];

    /// <summary>The pairs within the tokens that merges make.</summary>
    public CodePointPairs(IEnumerable<string> merged)
    {
        foreach (var token in merged)
        {
            var before = -1;
            foreach (var rune in token.EnumerateRunes())
            {
                if (before >= 0)
                    _bits[Index(before, rune.Value) >> 6] |= 1UL << (Index(before, rune.Value) & 63);
                before = rune.Value;
            }
        }
    }

    public bool Contains(int first, int second) => (_bits[Index(first, second) >> 6] >> (Index(first, second) & 63) & 1) != 0;

    private static int Index(int first, int second) => (int)(((ulong)(uint)first << 32 | (uint)second) * 0x9E3779B97F4A7C15 >> (64 - Bits));
}
