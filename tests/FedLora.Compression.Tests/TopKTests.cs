namespace FedLora.Compression.Tests;

public sealed class TopKTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(499)]
    [InlineData(500)]
    public void Selects_as_a_stable_sort_by_magnitude_does(int count)
    {
        var random = new Random(count);
        // Few distinct magnitudes, so that ties matter; both signs, zeros and infinities.
        var values = Enumerable.Range(0, 500)
            .Select(_ => random.Next(-6, 7) switch { 6 => float.PositiveInfinity, -6 => float.NegativeInfinity, var v => v * 0.25f })
            .ToArray();
        var expected = Enumerable.Range(0, 500).OrderByDescending(i => Math.Abs(values[i])).ThenBy(i => i).Take(count).Order();
        Assert.Equal(expected, TopK.Select(values, count));
    }

    [Fact]
    public void Tells_apart_magnitudes_that_differ_in_the_last_bit()
    {
        float[] values = [1f, -MathF.BitIncrement(1f), MathF.BitDecrement(1f), float.Epsilon];
        Assert.Equal([1], TopK.Select(values, 1));
        Assert.Equal([0, 1], TopK.Select(values, 2));
        Assert.Equal([0, 1, 2], TopK.Select(values, 3));
    }

    [Fact]
    public void Keeps_floor_of_length_times_density() => Assert.Equal(31, TopK.Count(500, 0.0625));

    [Fact]
    public void One_nth_of_n_entries_is_one_and_k_nths_are_k()
    {
        for (var n = 1; n <= 2000; n++)
        {
            Assert.Equal(1, TopK.Count(n, 1.0 / n));
            for (var k = 1; k <= n; k += 1 + (n / 50))
                Assert.Equal(k, TopK.Count(n, (double)k / n));
        }
        Assert.Equal(0, TopK.Count(49, 0.0204));
        Assert.Equal(999_999, TopK.Count(1_000_000, 0.9999999));
    }

    [Fact]
    public void NaN_is_refused() =>
        Assert.Equal("not-a-number", Assert.Throws<FedLoraException>(() => TopK.Select([1f, float.NaN], 1)).Code);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1.5)]
    [InlineData(double.NaN)]
    public void A_density_outside_its_range_is_refused(double density) =>
        Assert.Equal("density-invalid", Assert.Throws<FedLoraException>(() => TopK.Count(10, density)).Code);
}
