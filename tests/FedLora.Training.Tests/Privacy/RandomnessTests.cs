using FedLora.Training.Privacy;

namespace FedLora.Training.Tests.Privacy;

/// <summary>Statistics with bounds that chance passes about once in a billion runs.</summary>
public sealed class RandomnessTests
{
    private const double Sigmas = 6.2;

    [Fact]
    public void The_sampler_takes_each_example_at_its_rate_and_independently()
    {
        const int Count = 40, Steps = 20_000;
        const double Rate = 0.3;
        var sampler = new PoissonSampler(Count, Rate);
        var (times, pairs, followed, last) = (new int[Count], 0L, 0L, new bool[Count]);
        var sizes = new double[Steps];
        for (var step = 0; step < Steps; step++)
        {
            var taken = new bool[Count];
            foreach (var i in sampler.Next())
                (taken[i], times[i]) = (true, times[i] + 1);
            sizes[step] = taken.Count(t => t);
            for (var i = 0; i < Count; i++)
            {
                pairs += taken[i] && taken[(i + 1) % Count] ? 1 : 0;
                followed += taken[i] && last[i] ? 1 : 0;
            }
            last = taken;
        }
        foreach (var count in times)
            Assert.InRange(count, (Rate * Steps) - (Sigmas * Math.Sqrt(Steps * Rate * (1 - Rate))),
                (Rate * Steps) + (Sigmas * Math.Sqrt(Steps * Rate * (1 - Rate))));
        // Neighbours in one step and one example in two steps: both at q^2 if independent. Overlapping pairs correlate; 3 covers it.
        var expected = Rate * Rate * Count * Steps;
        Assert.InRange(pairs, expected - (3 * Sigmas * Math.Sqrt(expected)), expected + (3 * Sigmas * Math.Sqrt(expected)));
        Assert.InRange(followed, expected - (3 * Sigmas * Math.Sqrt(expected)), expected + (3 * Sigmas * Math.Sqrt(expected)));
        // The batch's size is binomial: a sampler of fixed size would have no variance.
        var variance = sizes.Select(s => (s - (Rate * Count)) * (s - (Rate * Count))).Average();
        Assert.Equal(1, variance / (Count * Rate * (1 - Rate)), Sigmas * Math.Sqrt(2.0 / Steps) * 1.2);
    }

    [Fact]
    public void The_noise_is_normal()
    {
        const int Count = 2_000_001;
        var numbers = new double[Count];
        new GaussianNoise(CryptographicRandom.Instance).Fill(numbers, 2);
        Assert.Equal(0, numbers.Average(), Sigmas * 2 / Math.Sqrt(Count));
        Assert.Equal(1, numbers.Average(n => n * n) / 4, Sigmas * Math.Sqrt(2.0 / Count));
        Assert.Equal(3, numbers.Average(n => Math.Pow(n / 2, 4)), Sigmas * Math.Sqrt(96.0 / Count));
        // Kolmogorov and Smirnov: the largest distance from the normal distribution, at points that include the tails.
        Array.Sort(numbers);
        foreach (var z in new[] { -4.5, -4, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 4, 4.5 })
        {
            var expected = MathNet.Numerics.Distributions.Normal.CDF(0, 1, z);
            var at = Array.BinarySearch(numbers, 2 * z);
            var found = at >= 0 ? at : ~at;
            Assert.Equal(expected, found / (double)Count, (Sigmas * Math.Sqrt(expected * (1 - expected) / Count)) + 1e-6);
        }
        // Neither neighbours nor the two numbers of a pair (256 apart) correlate, nor their squares, as they would if both hung on one
        // radius.
        new GaussianNoise(CryptographicRandom.Instance).Fill(numbers, 1);
        foreach (var apart in new[] { 1, 2, 256, 512 })
        {
            var product = Enumerable.Range(0, Count - apart).Average(i => numbers[i] * numbers[i + apart]);
            Assert.Equal(0, product, Sigmas / Math.Sqrt(Count - apart));
            var squares = Enumerable.Range(0, Count - apart)
                .Average(i => ((numbers[i] * numbers[i]) - 1) * ((numbers[i + apart] * numbers[i + apart]) - 1));
            Assert.Equal(0, squares, Sigmas * 2 * 1.1 / Math.Sqrt(Count - apart));
        }
    }

    /// <summary>Vectors of doubles give what Box and Muller's formula gives, to a dozen places.</summary>
    [Fact]
    public void The_noise_is_Box_and_Mullers_transform_of_the_bytes()
    {
        var (numbers, uniform) = (new double[512], new double[512]);
        new Counted().Uniform(uniform);
        new GaussianNoise(new Counted()).Fill(numbers, 3);
        for (var i = 0; i < 256; i++)
        {
            var radius = 3 * Math.Sqrt(-2 * Math.Log(1 - uniform[i]));
            var (sin, cos) = Math.SinCos(2 * Math.PI * uniform[256 + i]);
            Assert.Equal(radius * cos, numbers[i], 1e-12 * radius);
            Assert.Equal(radius * sin, numbers[256 + i], 1e-12 * radius);
        }
    }

    /// <summary>Every length is filled, to the last number, and every tail is drawn anew.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(513)]
    [InlineData(1025)]
    public void Every_length_is_filled(int count)
    {
        var numbers = new double[count];
        new GaussianNoise(CryptographicRandom.Instance).Fill(numbers, 1);
        Assert.DoesNotContain(0.0, numbers);
        Assert.InRange(numbers.Distinct().Count(), count - 2, count);
    }

    /// <summary>
    /// u &lt; q with u a multiple of 2^-53 would take an example at 2^-53 where q is below that, 11 times as often as accounted at 1e-17.
    /// </summary>
    [Fact]
    public void The_sampler_never_exceeds_its_rate()
    {
        Assert.Empty(new PoissonSampler(1000, 1e-17, new Zeros()).Next());
        Assert.Empty(new PoissonSampler(1000, 1.0 / (1UL << 54), new Zeros()).Next());
        Assert.Equal(1000, new PoissonSampler(1000, 1.0 / (1UL << 53), new Zeros()).Next().Length);
        Assert.Equal(1000, new PoissonSampler(1000, 1).Next().Length);
    }

    /// <summary>getrandom gives at most 32 MiB at once.</summary>
    [Fact]
    public void Long_requests_to_the_kernel_are_filled_to_the_last_byte()
    {
        var bytes = new byte[(33 << 20) + 5];
        CryptographicRandom.Instance.Fill(bytes);
        foreach (var start in new[] { 0, 16 << 20, (32 << 20) - 64, bytes.Length - 64 })
            Assert.Contains(bytes.AsSpan(start, 64).ToArray(), value => value != 0);
    }

    private sealed class Zeros : IRandomSource
    {
        public bool IsCryptographic => true;

        public void Fill(Span<byte> bytes) => bytes.Clear();
    }

    private sealed class Counted : IRandomSource
    {
        private readonly Random _random = new(11);

        public bool IsCryptographic => true;

        public void Fill(Span<byte> bytes) => _random.NextBytes(bytes);
    }

    [Fact]
    public void No_two_generators_repeat_each_other()
    {
        var seen = new HashSet<double>();
        for (var start = 0; start < 50; start++)
        {
            var numbers = new double[4];
            new GaussianNoise(CryptographicRandom.Instance).Fill(numbers, 1);
            seen.UnionWith(numbers);
        }
        Assert.True(seen.Count >= 195);
    }
}
