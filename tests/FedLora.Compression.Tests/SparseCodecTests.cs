using System.Security.Cryptography;

namespace FedLora.Compression.Tests;

public sealed class SparseCodecTests
{
    private static readonly byte[] Digest = RandomNumberGenerator.GetBytes(SparseCodec.LayoutDigestSize);

    public static TheoryData<int, int> LengthsAndCounts()
    {
        var data = new TheoryData<int, int>();
        foreach (var length in new[] { 1, 2, 3, 17, 64, 1000, 65_537 })
        {
            foreach (var count in new[]
            {
                0,
                1,
                length / 1024,
                length / 16,
                length / 3,
                length / 2,
                (length / 2) + 1,
                length - 1,
                length,
            }.Distinct())
            {
                if (count <= length)
                    data.Add(length, count);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(LengthsAndCounts))]
    public void F32_comes_back_bit_for_bit(int length, int count)
    {
        var vector = Masks.Uniform(length, count, seed: 1);
        var decoded = SparseCodec.Decode(SparseCodec.Encode(vector, ValueFormat.F32, Digest), length, Digest);
        Assert.Equal(vector.Indices, decoded.Indices);
        Assert.Equal(vector.Values, decoded.Values);
    }

    [Theory]
    [InlineData(ValueFormat.BF16, 1.0 / 256)]
    [InlineData(ValueFormat.F16, 1.0 / 1024)]
    public void Half_formats_keep_their_relative_precision(ValueFormat format, double tolerance)
    {
        var vector = Masks.Uniform(10_000, 2_500, seed: 2);
        var decoded = SparseCodec.Decode(SparseCodec.Encode(vector, format, Digest), 10_000, Digest);
        for (var i = 0; i < vector.Count; i++)
            Assert.True(Math.Abs(decoded.Values[i] - vector.Values[i]) <= tolerance * Math.Max(Math.Abs(vector.Values[i]), 1e-4));
    }

    [Fact]
    public void A_value_that_f16_cannot_hold_is_refused()
    {
        var error = Assert.Throws<FedLoraException>(() => SparseCodec.Encode(new SparseVector(2, [1], [1e6f]), ValueFormat.F16, Digest));
        Assert.Equal("value-out-of-range", error.Code);
    }

    [Theory]
    [InlineData(ValueFormat.F32, 4)]
    [InlineData(ValueFormat.BF16, 2)]
    public void A_dense_vector_costs_its_raw_size_and_at_most_64_bytes(ValueFormat format, int width)
    {
        var vector = Masks.Uniform(100_000, 100_000, seed: 3);
        Assert.InRange(SparseCodec.Encode(vector, format, Digest).Length, 100_000 * width, (100_000 * width) + 64);
    }

    [Theory]
    [InlineData(ValueFormat.Q8, 127)]
    [InlineData(ValueFormat.Q4, 7)]
    public void Stochastic_rounding_is_unbiased_and_bounded(ValueFormat format, int levels)
    {
        var vector = Masks.Uniform(640, 640, seed: 4);
        const int Draws = 4000;
        var mean = new double[vector.Count];
        for (var draw = 0; draw < Draws; draw++)
        {
            var decoded = SparseCodec.Decode(SparseCodec.Encode(vector, format, Digest, (ulong)draw * 7919), 640, Digest);
            for (var i = 0; i < mean.Length; i++)
                mean[i] += decoded.Values[i] / (double)Draws;
        }

        for (var block = 0; block < 10; block++)
        {
            var step = vector.Values.Skip(block * 64).Take(64).Max(Math.Abs) / levels;
            for (var i = block * 64; i < (block + 1) * 64; i++)
            {
                // A draw's deviation is below one step, its standard deviation at most step / 2: five standard errors of the mean.
                Assert.True(Math.Abs(mean[i] - vector.Values[i]) <= 5 * 0.5 * step / Math.Sqrt(Draws),
                    $"entry {i}: mean {mean[i]}, value {vector.Values[i]}");
            }
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes()
    {
        var vector = Masks.Uniform(5_000, 500, seed: 5);
        Assert.Equal(SparseCodec.Encode(vector, ValueFormat.Q4, Digest, 9), SparseCodec.Encode(vector, ValueFormat.Q4, Digest, 9));
        Assert.NotEqual(SparseCodec.Encode(vector, ValueFormat.Q4, Digest, 9), SparseCodec.Encode(vector, ValueFormat.Q4, Digest, 10));
    }

    [Fact]
    public void Another_layout_or_length_is_refused_by_name()
    {
        var bytes = SparseCodec.Encode(Masks.Uniform(100, 10, seed: 6), ValueFormat.F32, Digest);
        Assert.Contains("other tensors", Assert.Throws<FedLoraException>(() => SparseCodec.Decode(bytes, 100, new byte[16])).Message);
        Assert.Contains("100 entries instead of 99", Assert.Throws<FedLoraException>(() => SparseCodec.Decode(bytes, 99, Digest)).Message);
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_noticed()
    {
        var bytes = SparseCodec.Encode(Masks.Uniform(400, 40, seed: 7), ValueFormat.BF16, Digest);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<FedLoraException>(() => SparseCodec.Decode(bytes, 400, Digest));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}
