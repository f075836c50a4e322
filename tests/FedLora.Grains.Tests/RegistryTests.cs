namespace FedLora.Grains.Tests;

/// <summary>Definitions, and how cohorts are drawn.</summary>
public sealed class RegistryTests
{
    [Fact]
    public async Task Federations_that_cannot_run_are_refused_naming_the_setting()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var good = Samples.Definition;
        foreach (var (bad, word) in new (FederationDefinition, string)[]
        {
            (good with { Name = "../x" }, "name"),
            (good with { Method = "magic" }, "magic"),
            (good with { Rounds = 0 }, "rounds"),
            (good with { Lora = good.Lora with { Rank = 0 } }, "rank"),
            (good with { Cohort = good.Cohort with { Size = 2, Quorum = 3 } }, "quorum"),
            (good with { Task = good.Task with { Labels = ["one"] } }, "labels"),
            (good with { Privacy = new() { Epsilon = 1 }, Weighting = Weighting.Examples }, "weighting"),
        })
        {
            var refusal = await Assert.ThrowsAsync<RefusedException>(() => coordinator.Creator.CreateAsync(bad, null, default));
            Assert.Equal(RefusalCodes.DefinitionInvalid, refusal.Code);
            Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
        }

        await coordinator.Creator.CreateAsync(good, null, default);
        await RoundTests.RefusedAsync(RefusalCodes.FederationExists, () => coordinator.Creator.CreateAsync(good, null, default));
    }

    [Fact]
    public void A_cohort_is_drawn_uniformly_and_reproducibly()
    {
        var ids = Enumerable.Range(0, 10).Select(i => $"n{i}").ToArray();
        Assert.Equal(CohortSampler.Draw(ids, 4, 7, 1, 1), CohortSampler.Draw(ids.Reverse(), 4, 7, 1, 1));
        Assert.NotEqual(CohortSampler.Draw(ids, 4, 7, 1, 1), CohortSampler.Draw(ids, 4, 7, 1, 2));
        var counts = ids.ToDictionary(id => id, _ => 0);
        for (var round = 0; round < 5_000; round++)
        {
            foreach (var id in CohortSampler.Draw(ids, 4, 1, round, 1))
                counts[id]++;
        }

        // Binomial(5000, 0.4): standard deviation 35; six of them.
        Assert.All(counts.Values, count => Assert.InRange(count, 2000 - 210, 2000 + 210));
    }

    [Theory]
    [InlineData(0, 0, 1.0, 0, 5, 5, 5, 5)]
    [InlineData(4, 0, 1.3, 3, 10, 4, 6, 3)]
    [InlineData(0, 0.5, 1.0, 0, 5, 3, 3, 3)]
    [InlineData(4, 0, 2.0, 2, 3, 3, 3, 2)]
    public void Sizes_follow_the_rules(int size, double fraction, double over, int quorum, int there, int wanted, int sampled, int needed) =>
        Assert.Equal((wanted, sampled, needed), CohortSampler.Sizes(new() { Size = size, Fraction = fraction, OverSelect = over, Quorum = quorum }, there));
}
