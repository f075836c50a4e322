using System.Buffers.Binary;

namespace FedLora.Compression.Masks;

/// <summary>
/// Range asymmetric numeral system (Duda 2013, arXiv 1311.2540) with a 32-bit state and 16-bit words: coding symbol s of frequency f and
/// start c in a table of total M = 2^b maps state x to floor(x / f) M + (x mod f) + c.
/// </summary>
internal static class RansEncoder
{
    /// <summary>The state stays in [Lower, 2^32).</summary>
    public const uint Lower = 1 << 16;

    /// <summary>Codes the symbols; they decode in the same order. Writes the state, then the words.</summary>
    public static void Encode(ReadOnlySpan<byte> symbols, FrequencyTable table, ByteWriter writer)
    {
        // A word leaves the state at most once a symbol.
        var words = new ushort[symbols.Length];
        var next = words.Length;
        var state = Lower;
        for (var i = symbols.Length - 1; i >= 0; i--)
        {
            var frequency = (uint)table.Frequencies[symbols[i]];
            if (state >= (ulong)frequency << (32 - FrequencyTable.Bits))
            {
                words[--next] = (ushort)state;
                state >>= 16;
            }

            var (quotient, remainder) = Math.DivRem(state, frequency);
            state = (quotient << FrequencyTable.Bits) + remainder + (uint)table.Starts[symbols[i]];
        }

        writer.WriteUInt32(state);
        var target = writer.Take(2 * (words.Length - next));
        for (var i = 0; next < words.Length; i += 2)
            BinaryPrimitives.WriteUInt16LittleEndian(target[i..], words[next++]);
    }
}
