namespace FedLora.Compression;

/// <summary>
/// Selection of the k entries of largest magnitude, as CELLM and FLASC select them
/// (Kuo et al. 2024, arXiv 2406.05233; <c>ALGORITHMS</c>: keep floor(n d)). Of equal magnitudes the lower index wins.
/// </summary>
public static class TopK
{
    private const int MagnitudeMask = 0x7FFF_FFFF;
    private const int Infinity = 0x7F80_0000;

    /// <summary>
    /// How many of <paramref name="length"/> entries a density keeps: floor(length x density), where a product that is a whole number but
    /// for the rounding of the density counts as that number: 49 entries at 1/49 are one.
    /// </summary>
    /// <param name="length">Number of entries.</param>
    /// <param name="density">In (0, 1].</param>
    public static int Count(int length, double density)
    {
        if (density is not (> 0 and <= 1))
            throw new FedLoraException("density-invalid", $"density {density} is outside (0, 1]", "Write a density such as 1/16.");
        var (exact, whole) = (length * density, Math.Round(length * density));
        // Half a unit in the last place each from the density and from the product.
        return (int)(Math.Abs(exact - whole) <= Math.ScaleB(whole, -52) ? whole : Math.Floor(exact));
    }

    /// <summary>The positions of the <paramref name="count"/> largest magnitudes, in increasing order.</summary>
    /// <param name="values">Finite or infinite entries; NaN is refused.</param>
    /// <param name="count">In [0, length].</param>
    /// <exception cref="FedLoraException"><c>not-a-number</c>: an entry is NaN.</exception>
    public static int[] Select(ReadOnlySpan<float> values, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, values.Length);
        var (threshold, ties) = count == 0 ? (int.MaxValue, 0) : Threshold(values, count);
        var indices = new int[count];
        var kept = 0;
        for (var i = 0; i < values.Length && kept < count; i++)
        {
            var magnitude = Magnitude(values[i]);
            if (magnitude > threshold || (magnitude == threshold && ties-- > 0))
                indices[kept++] = i;
        }

        return indices;
    }

    /// <summary>
    /// The bits of the count-th largest magnitude, and how many entries of just that magnitude are kept. Bits of non-negative floats
    /// order as the floats do, so two passes of a radix selection (16 and 15 bits) find it without sorting.
    /// </summary>
    private static (int Threshold, int Ties) Threshold(ReadOnlySpan<float> values, int count)
    {
        var histogram = new int[1 << 16];
        foreach (var value in values)
        {
            var magnitude = Magnitude(value);
            if (magnitude > Infinity)
                throw new FedLoraException("not-a-number", "an entry to select by magnitude is NaN",
                    "Lower the learning rate or clip the gradients: training has diverged.");
            histogram[magnitude >> 15]++;
        }

        var (high, left) = Descend(histogram, count);
        Array.Clear(histogram);
        foreach (var value in values)
        {
            var magnitude = Magnitude(value);
            if (magnitude >> 15 == high)
                histogram[magnitude & 0x7FFF]++;
        }

        var (low, ties) = Descend(histogram, left);
        return ((high << 15) | low, ties);
    }

    /// <summary>
    /// The largest bin such that it and those above hold at least <paramref name="count"/>; and how many are wanted of that bin.
    /// </summary>
    private static (int Bin, int Wanted) Descend(int[] histogram, int count)
    {
        var bin = histogram.Length - 1;
        while (histogram[bin] < count)
            count -= histogram[bin--];
        return (bin, count);
    }

    private static int Magnitude(float value) => BitConverter.SingleToInt32Bits(value) & MagnitudeMask;
}
