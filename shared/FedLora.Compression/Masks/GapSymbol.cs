using System.Numerics;

namespace FedLora.Compression.Masks;

/// <summary>
/// A gap (number of entries passed over before the next kept one) as a symbol and raw low bits: gaps below 16 are symbols of their own;
/// above, a symbol stands for an eighth of an octave and the position inside it follows as raw bits. For a geometric gap the raw bits cost
/// under 0.002 bit more than the entropy.
/// </summary>
internal static class GapSymbol
{
    /// <summary>Enough for gaps below 2^31.</summary>
    public const int Count = 232;

    private const int Direct = 16;

    public static int Of(int gap)
    {
        if (gap < Direct)
            return gap;
        var octave = BitOperations.Log2((uint)gap);
        return Direct + ((octave - 4) << 3) + ((gap >> (octave - 3)) & 7);
    }

    /// <summary>Number of raw bits behind a symbol: 0 to 27.</summary>
    public static int RawBits(int symbol) => symbol < Direct ? 0 : ((symbol - Direct) >> 3) + 1;

    /// <summary>The smallest gap of a symbol; that of <see cref="Count"/> is 2^31.</summary>
    public static long Lowest(int symbol) => symbol < Direct ? symbol : (8L + ((symbol - Direct) & 7)) << RawBits(symbol);
}
