using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;
using FedLora.Federations.Tests.Rounds;
using FedLora.Federations.Updates;

namespace FedLora.Federations.Tests;

/// <summary>What a node states of its data is what it counts for: the operator is told where that is unlikely beside the others.</summary>
public sealed class PlausibilityTests
{
    [Fact]
    public void A_count_far_above_the_median_is_named_with_its_share()
    {
        var round = Round(100, 120, 80, 1_000_000_000_000);
        var unbounded = Definition with { MaxWeight = 0 };
        var remarks = round.InNodeOrder().Select(update => Plausibility.Remark(unbounded, round, update)).ToArray();
        Assert.Equal(["", "", ""], remarks[..3]);
        Assert.Contains("1000000000000 examples", remarks[3], StringComparison.Ordinal);
        Assert.Contains("100 % of the aggregate", remarks[3], StringComparison.Ordinal);
        foreach (var seen in new[] { round, WeightBound.Apply(Definition, round) })
        {
            Assert.Equal("it states 1000000000000 examples, 9090909091 times the round's median, counts for 1000 (max_weight 10), and "
                + "makes 77 % of the aggregate (weighting: uniform counts all alike)",
                Plausibility.Remark(Definition, seen, seen.Updates["n3"]));
        }
    }

    [Theory]
    [InlineData(Weighting.Default, 10.0, new[] { 100L, 120, 80, 1_000_000_000_000 }, new[] { 100L, 120, 80, 1000 })]
    [InlineData(Weighting.Examples, 10.0, new[] { 50L, 600 }, new[] { 50L, 500 })]
    [InlineData(Weighting.Examples, 0.5, new[] { 1L, 1, 1 }, new[] { 1L, 1, 1 })]
    [InlineData(Weighting.Examples, 1e12, new[] { 1L << 40, 1L << 62, 1L << 62 }, new[] { 1L << 40, 1L << 62, 1L << 62 })]
    [InlineData(Weighting.Examples, 0.0, new[] { 1L, 1, 1_000_000 }, new[] { 1L, 1, 1_000_000 })]
    [InlineData(Weighting.PublicCounts, 10.0, new[] { 1L, 1, 1_000_000 }, new[] { 1L, 1, 1_000_000 })]
    public void No_update_counts_for_more_than_so_many_times_the_median(Weighting weighting, double most, long[] stated, long[] counts)
    {
        var bounded = WeightBound.Apply(Definition with { Weighting = weighting, MaxWeight = most }, Round(stated));
        Assert.Equal(counts, bounded.InNodeOrder().Select(update => update.Weight));
        Assert.Equal(stated, bounded.InNodeOrder().Select(update => update.Header.ExampleCount));
    }

    [Theory]
    [InlineData(1L, 1_000_000L)]
    [InlineData(100L, 1000L, 1000L)]
    [InlineData(1L, 10L, 1L)]
    public void Two_updates_have_no_median_and_ten_times_is_no_wonder(params long[] weights)
    {
        var round = Round(weights);
        Assert.All(round.InNodeOrder(), update => Assert.Empty(Plausibility.Remark(Definition, round, update)));
    }

    private static FederationDefinition Definition => WorldDefinition.Plain;

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
