namespace FedLora.Tokenizers.Text;

/// <summary>A set of code points given by a predicate, whose answers are kept.</summary>
internal sealed class RuneSet(Func<int, bool> predicate)
{
    private readonly RuneTable<bool> _members = new(predicate);

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

    public bool Contains(int rune) => _members[rune];
}
