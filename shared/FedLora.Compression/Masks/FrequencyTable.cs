namespace FedLora.Compression.Masks;

/// <summary>Frequencies of the gap symbols, summing to 2^<see cref="Bits"/>; every symbol that can occur has at least 1.</summary>
internal sealed class FrequencyTable
{
    public const int Bits = 14;
    public const int Total = 1 << Bits;

    private FrequencyTable(int[] frequencies)
    {
        Frequencies = frequencies;
        Starts = new int[frequencies.Length];
        for (var symbol = 1; symbol < frequencies.Length; symbol++)
            Starts[symbol] = Starts[symbol - 1] + frequencies[symbol - 1];
    }

    public int[] Frequencies { get; }

    public int[] Starts { get; }

    /// <summary>
    /// Gaps of a mask whose entries are kept independently with probability p = kept / length: P(gap = g) = p (1 - p)^g.
    /// Computed in integers (fixed point, 62 bits), so that every machine gets the same table and it need not be sent.
    /// </summary>
    public static FrequencyTable Geometric(long length, long kept)
    {
        var weights = new UInt128[GapSymbol.Count];
        var ratio = (UInt128)(ulong)(length - kept) * Fixed.One / (ulong)length;
        var above = (UInt128)Fixed.One;
        for (var symbol = 0; symbol < GapSymbol.Count; symbol++)
        {
            if (GapSymbol.Lowest(symbol) > length - kept)
                break;
            var next = Fixed.Power((ulong)ratio, GapSymbol.Lowest(symbol + 1));
            // At least 1: a symbol that can occur must have a code.
            weights[symbol] = above - next + 1;
            above = next;
        }

        return new FrequencyTable(Normalise(weights));
    }

    /// <summary>A table for symbols counted in one mask.</summary>
    public static FrequencyTable FromCounts(ReadOnlySpan<int> counts)
    {
        var weights = new UInt128[GapSymbol.Count];
        for (var symbol = 0; symbol < counts.Length; symbol++)
            weights[symbol] = (UInt128)(uint)counts[symbol] << 32;
        return new FrequencyTable(Normalise(weights));
    }

    /// <summary>Bits that coding these symbols takes, raw bits left out.</summary>
    public double Cost(ReadOnlySpan<int> counts)
    {
        var bits = 0.0;
        for (var symbol = 0; symbol < counts.Length; symbol++)
        {
            if (counts[symbol] > 0)
                bits += counts[symbol] * (Bits - Math.Log2(Frequencies[symbol]));
        }

        return bits;
    }

    /// <summary>Written as pairs (symbols skipped, frequency), closed by the sum reaching the total.</summary>
    public void WriteTo(ByteWriter writer)
    {
        var last = -1;
        for (var symbol = 0; symbol < Frequencies.Length; symbol++)
        {
            if (Frequencies[symbol] == 0)
                continue;
            writer.WriteVarint((uint)(symbol - last - 1));
            writer.WriteVarint((uint)Frequencies[symbol]);
            last = symbol;
        }
    }

    public static FrequencyTable ReadFrom(ref ByteReader reader)
    {
        var frequencies = new int[GapSymbol.Count];
        long symbol = -1;
        for (long sum = 0; sum < Total;)
        {
            symbol += 1L + reader.ReadVarint();
            long frequency = reader.ReadVarint();
            sum += frequency;
            if (symbol >= frequencies.Length || frequency == 0 || sum > Total)
                throw SparseFormat.Invalid("the frequency table does not sum to its total");
            frequencies[symbol] = (int)frequency;
        }

        return new FrequencyTable(frequencies);
    }

    /// <summary>
    /// Scales weights to sum to <see cref="Total"/>, none that is above 0 falling to 0; what rounding leaves goes to the heaviest.
    /// </summary>
    private static int[] Normalise(UInt128[] weights)
    {
        UInt128 sum = 0;
        var heaviest = 0;
        for (var symbol = 0; symbol < weights.Length; symbol++)
        {
            sum += weights[symbol];
            if (weights[symbol] > weights[heaviest])
                heaviest = symbol;
        }

        var frequencies = new int[weights.Length];
        var left = Total;
        for (var symbol = 0; symbol < weights.Length; symbol++)
        {
            if (weights[symbol] == 0)
                continue;
            frequencies[symbol] = Math.Max(1, (int)((weights[symbol] * Total) / sum));
            left -= frequencies[symbol];
        }

        frequencies[heaviest] += left;
        return frequencies;
    }

    /// <summary>Numbers in [0, 1] as integers over 2^62.</summary>
    private static class Fixed
    {
        public const ulong One = 1UL << 62;

        public static ulong Power(ulong number, long exponent)
        {
            var result = One;
            for (; exponent > 0; exponent >>= 1)
            {
                if ((exponent & 1) != 0)
                    result = Multiply(result, number);
                number = Multiply(number, number);
            }

            return result;
        }

        private static ulong Multiply(ulong a, ulong b) => (ulong)(((UInt128)a * b) >> 62);
    }
}
