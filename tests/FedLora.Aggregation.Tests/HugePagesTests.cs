namespace FedLora.Aggregation.Tests;

/// <summary>Arrays made many at once are arrays like others.</summary>
public sealed class HugePagesTests
{
    [Fact]
    public void ArraysHaveTheirLengthsAndKeepWhatIsWritten()
    {
        // Few and small; some that share a huge page, one of several, and none; the same again, where the first have left memory.
        int[][] cases = [[3, 0, 5], [.. Enumerable.Repeat(70_000, 100), 0, 3_000_000, 1], [.. Enumerable.Repeat(70_000, 100), 2_000_000]];
        foreach (var lengths in cases)
        {
            var arrays = HugePages.Arrays(lengths);
            Assert.Equal(lengths, arrays.Select(array => array.Length));
            for (var i = 0; i < arrays.Length; i++)
                arrays[i].AsSpan().Fill(i);
            GC.Collect();
            Assert.All(arrays, (array, i) => Assert.False(array.AsSpan().ContainsAnyExcept((float)i)));
        }
    }
}
