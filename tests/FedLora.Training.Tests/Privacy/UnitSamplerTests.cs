using FedLora.Training.Privacy;

namespace FedLora.Training.Tests.Privacy;

public sealed class UnitSamplerTests
{
    private static readonly int[][] Units = [[0], [1, 2], [3, 4, 5, 6]];

    [Fact]
    public void A_unit_adds_at_most_one_example_to_a_step_and_is_drawn_at_the_rate_whatever_its_size()
    {
        const int steps = 20_000;
        const double rate = 0.3;
        var sampler = new UnitSampler(Units, rate);
        var (drawn, examples) = (new int[Units.Length], new int[7]);
        for (var step = 0; step < steps; step++)
        {
            var batch = sampler.Next();
            foreach (var unit in Units)
                Assert.InRange(batch.Count(unit.Contains), 0, 1);
            foreach (var example in batch)
            {
                examples[example]++;
                drawn[Array.FindIndex(Units, unit => unit.Contains(example))]++;
            }
        }
        // Six standard deviations.
        Assert.All(drawn,
            count => Assert.InRange(count, steps * rate - 6 * Math.Sqrt(steps * rate * (1 - rate)),
                steps * rate + 6 * Math.Sqrt(steps * rate * (1 - rate))));
        Assert.All(examples[3..],
            count => Assert.InRange(count, steps * rate / 4 - 6 * Math.Sqrt(steps * rate / 4),
                steps * rate / 4 + 6 * Math.Sqrt(steps * rate / 4)));
    }
}
