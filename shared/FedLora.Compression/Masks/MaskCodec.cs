namespace FedLora.Compression.Masks;

/// <summary>How a mask is written.</summary>
internal enum MaskMode : byte
{
    /// <summary>Every entry is kept, or none: nothing is written.</summary>
    Trivial = 0,

    /// <summary>Gaps between the entries of the rarer kind (kept or not), with the geometric table of length and count.</summary>
    Geometric = 1,

    /// <summary>The same gaps with a table of their own, for masks that cluster.</summary>
    Table = 2,
}

/// <summary>
/// Writes which k of n entries are kept, close to log2 C(n, k) bits where they are spread evenly and below where they cluster. The gaps
/// between the rarer kind are split into a symbol (<see cref="GapSymbol"/>), coded by <see cref="RansEncoder"/>, and raw bits.
/// </summary>
internal static class MaskCodec
{
    public static MaskMode Encode(ReadOnlySpan<int> indices, int length, ByteWriter writer)
    {
        if (indices.Length == 0 || indices.Length == length)
            return MaskMode.Trivial;
        var coded = indices.Length > length / 2 ? Complement(indices, length) : indices;

        var symbols = new byte[coded.Length];
        Span<int> counts = stackalloc int[GapSymbol.Count];
        var raw = new ByteWriter(coded.Length);
        var bits = new BitPacker(raw);
        var last = -1;
        for (var i = 0; i < coded.Length; i++)
        {
            var gap = coded[i] - last - 1;
            last = coded[i];
            var symbol = GapSymbol.Of(gap);
            symbols[i] = (byte)symbol;
            counts[symbol]++;
            if (symbol >= 16)
                bits.Write((uint)(gap - GapSymbol.Lowest(symbol)), GapSymbol.RawBits(symbol));
        }

        bits.Flush();
        var (mode, table, written) = Choose(counts, length, coded.Length);
        writer.WriteVarint((uint)raw.Length);
        raw.Written.CopyTo(writer.Take(raw.Length));
        written.Written.CopyTo(writer.Take(written.Length));
        RansEncoder.Encode(symbols, table, writer);
        return mode;
    }

    /// <param name="mode">As the header says.</param>
    /// <param name="length">Number of entries, already held against what the receiver expects.</param>
    /// <param name="count">Number of kept entries, at most <paramref name="length"/>.</param>
    /// <param name="bytes">What <see cref="Encode"/> wrote.</param>
    public static int[] Decode(MaskMode mode, int length, int count, ReadOnlySpan<byte> bytes)
    {
        if (mode == MaskMode.Trivial)
        {
            if (bytes.Length != 0 || (count != 0 && count != length))
                throw SparseFormat.Invalid("its mask is missing");
            return count == 0 ? [] : All(length);
        }

        var inverted = count > length / 2;
        var coded = new int[inverted ? length - count : count];
        if (coded.Length == 0)
            throw SparseFormat.Invalid("its mask says nothing and yet is there");
        var reader = new ByteReader(bytes);
        var bits = new BitUnpacker(reader.Take(reader.ReadVarint()));
        var table = mode switch
        {
            MaskMode.Geometric => FrequencyTable.Geometric(length, coded.Length),
            MaskMode.Table => FrequencyTable.ReadFrom(ref reader),
            _ => throw SparseFormat.Invalid($"mask mode {(int)mode} is unknown"),
        };
        var symbols = new RansDecoder(table, reader.Rest);
        long last = -1;
        for (var i = 0; i < coded.Length; i++)
        {
            var symbol = symbols.Next();
            last += symbol < 16 ? symbol + 1 : GapSymbol.Lowest(symbol) + bits.Read(GapSymbol.RawBits(symbol)) + 1;
            if (last >= length)
                throw SparseFormat.Invalid("its mask points past the end of the vector");
            coded[i] = (int)last;
        }

        if (!symbols.AtEnd || bits.Overrun)
            throw SparseFormat.Invalid("its mask does not end where it should");
        return inverted ? Complement(coded, length) : coded;
    }

    private static (MaskMode Mode, FrequencyTable Table, ByteWriter Written) Choose(ReadOnlySpan<int> counts, int length, int coded)
    {
        var geometric = FrequencyTable.Geometric(length, coded);
        var own = FrequencyTable.FromCounts(counts);
        var written = new ByteWriter(256);
        own.WriteTo(written);
        return own.Cost(counts) + (8.0 * written.Length) < geometric.Cost(counts)
            ? (MaskMode.Table, own, written)
            : (MaskMode.Geometric, geometric, new ByteWriter(0));
    }

    private static int[] Complement(ReadOnlySpan<int> indices, int length)
    {
        var others = new int[length - indices.Length];
        var filled = 0;
        var from = 0;
        foreach (var index in indices)
        {
            for (; from < index; from++)
                others[filled++] = from;
            from = index + 1;
        }

        for (; from < length; from++)
            others[filled++] = from;
        return others;
    }

    private static int[] All(int length)
    {
        var all = new int[length];
        for (var i = 0; i < length; i++)
            all[i] = i;
        return all;
    }
}
