using FedLora.Federations.Rounds;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Tests;

/// <summary>What a node states of its data is what it counts for: the operator is told where that is unlikely beside the others.</summary>
public sealed class PlausibilityTests
{
    [Fact]
    public void A_count_far_above_the_median_is_named_with_its_share()
    {
        var round = Round(100, 120, 80, 1_000_000_000_000);
        var remarks = round.InNodeOrder().Select(update => Plausibility.Remark(round, update)).ToArray();
        Assert.Equal(["", "", ""], remarks[..3]);
        Assert.Contains("1000000000000 examples", remarks[3], StringComparison.Ordinal);
        Assert.Contains("100 % of the aggregate", remarks[3], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1L, 1_000_000L)]
    [InlineData(100L, 1000L, 1000L)]
    [InlineData(1L, 10L, 1L)]
    public void Two_updates_have_no_median_and_ten_times_is_no_wonder(params long[] weights)
    {
        var round = Round(weights);
        Assert.All(round.InNodeOrder(), update => Assert.Empty(Plausibility.Remark(round, update)));
    }

    private static RoundProgress Round(params long[] weights)
    {
        var round = new RoundProgress { Round = 1 };
        foreach (var (weight, i) in weights.Select((weight, i) => (weight, i)))
        {
            var header = new UpdateHeader
            {
                Federation = "demo",
                Round = 1,
                Attempt = 1,
                NodeId = $"n{i}",
                Sha256 = new('a', 64),
                Bytes = 1,
                ExampleCount = weight,
            };
            round = round with
            {
                Updates = round.Updates.Add(header.NodeId,
                    new() { Header = header, Weight = weight, ReceivedAt = DateTimeOffset.UnixEpoch, Rank = 2 }),
            };
        }

        return round;
    }
}
