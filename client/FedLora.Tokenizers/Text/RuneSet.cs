namespace FedLora.Tokenizers.Text;

/// <summary>A set of code points given by a predicate; answers for the first plane are kept in bits, page by page.</summary>
internal sealed class RuneSet(Func<int, bool> predicate)
{
    private const int PageSize = 256;
    private readonly ulong[]?[] _pages = new ulong[0x10000 / PageSize][];

    /// <summary>The set of inclusive ranges in ascending order.</summary>
    public static RuneSet OfRanges((int First, int Last)[] ranges) => new(rune =>
    {
        int low = 0, high = ranges.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (rune < ranges[middle].First)
                high = middle - 1;
            else if (rune > ranges[middle].Last)
                low = middle + 1;
            else
                return true;
        }
        return false;
    });

    public bool Contains(int rune)
    {
        if (rune >= 0x10000)
            return predicate(rune);
        // Two threads may fill the same page at once; both write the same bits.
        var page = _pages[rune / PageSize] ?? Fill(rune / PageSize);
        return (page[(rune % PageSize) >> 6] >> (rune & 63) & 1) != 0;
    }

    private ulong[] Fill(int index)
    {
        var page = new ulong[PageSize / 64];
        for (var i = 0; i < PageSize; i++)
        {
            if (predicate(index * PageSize + i))
                page[i >> 6] |= 1UL << (i & 63);
        }
        return _pages[index] = page;
    }
}
