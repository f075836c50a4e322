namespace FedLora.Grains.Tests;

/// <summary>Definitions, and how cohorts are drawn.</summary>
public sealed class RegistryTests
{
    /// <summary>They were found in round 1, or never.</summary>
    [Fact]
    public async Task Names_of_nodes_and_groups_that_there_are_not_are_refused_with_the_nearest()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var token = await coordinator.Enrolment.CreateTokenAsync(new() { Uses = 3, Lifetime = TimeSpan.FromHours(1) }, default);
        var planned = Samples.Definition with { Name = "planned", PublicCounts = new() { ["site-99"] = 400 } };
        Assert.Equal(FederationState.Created, (await coordinator.Creator.CreateAsync(planned, null, default)).State);
        await coordinator.Enrolment.EnrolAsync(new() { Token = token.Token, Name = "site-1", Group = "small", RequestId = "1" }, default);
        await coordinator.Enrolment.EnrolAsync(new() { Token = token.Token, Name = "hospital", RequestId = "2" }, default);
        foreach (var (bad, said) in new (FederationDefinition, string)[]
        {
            (Samples.Definition with { PublicCounts = new() { ["hospital"] = 300, ["site-99"] = 400 } },
                "public_counts: no node 'site-99' is enrolled; did you mean 'site-1'?; enrolled: hospital, site-1"),
            (Samples.Definition with { PublicCounts = new() { ["elsewhere"] = 400 } },
                "public_counts: no node 'elsewhere' is enrolled; enrolled: hospital, site-1"),
            (Samples.Definition with { Method = "hetlora", Lora = Samples.Definition.Lora with { RankGroups = new() { ["smal"] = 1 } } },
                "lora.rank_groups: no node of the group 'smal' is enrolled; did you mean 'small'?"),
        })
        {
            var refusal = await Assert.ThrowsAsync<RefusedException>(() => coordinator.Creator.CreateAsync(bad, null, default));
            Assert.Equal(RefusalCodes.DefinitionInvalid, refusal.Code);
            Assert.Contains(said, refusal.Message, StringComparison.Ordinal);
        }

        var good = Samples.Definition with { PublicCounts = new() { ["hospital"] = 300, ["site-1"] = 400 } };
        Assert.Equal(FederationState.Created, (await coordinator.Creator.CreateAsync(good, null, default)).State);
    }

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
        Assert.Equal(CohortSampler.Draw(ids, 4, 7, 1, 1), CohortSampler.Draw(ids, 4, 7, 1, 1));
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
    public void Sizes_follow_the_rules(int size, double fraction, double over, int quorum, int there, int wanted, int sampled,
        int needed) =>
            Assert.Equal((wanted, sampled, needed),
                CohortSampler.Sizes(new() { Size = size, Fraction = fraction, OverSelect = over, Quorum = quorum }, there));
}
