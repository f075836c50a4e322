namespace FedLora.Compression.Tests;

/// <summary>The mask's size against log2 C(n, k), the least that any code of masks needs on average.</summary>
public sealed class EntropyBoundTests
{
    [Theory]
    [InlineData(1_000_000)]
    [InlineData(100_000)]
    public void Within_five_percent_of_the_bound_over_densities_for_evenly_spread_masks(int length)
    {
        foreach (var density in new[]
        {
            0.98,
            0.75,
            0.6,
            1.0 / 2,
            0.45,
            0.38,
            1.0 / 3,
            1.0 / 4,
            1.0 / 5,
            1.0 / 8,
            1.0 / 16,
            1.0 / 32,
            1.0 / 64,
            1.0 / 128,
            1.0 / 256,
            1.0 / 512,
            1.0 / 1024,
        })
            AssertNearBound(Masks.Uniform(length, (int)(length * density), seed: 11), 1.05);
    }

    [Fact]
    public void No_worse_than_the_bound_over_densities_for_clustered_masks()
    {
        for (var exponent = 1; exponent <= 10; exponent++)
            AssertNearBound(Masks.Clustered(1_000_000, Math.Pow(2, -exponent), seed: exponent), 1.005);
    }

    private static void AssertNearBound(SparseVector vector, double factor)
    {
        var bits = (SparseCodec.Encode(vector, ValueFormat.F32, new byte[16]).Length - SparseCodec.HeaderSize - (4 * vector.Count)) * 8;
        var bound = MaskBound.Bits(vector.Length, vector.Count);
        Assert.True(bits <= bound * factor, $"n {vector.Length}, k {vector.Count}: {bits} bits, {bits / bound:0.0000} of the bound");
    }
}
