namespace FedLora.Grains.Tests;

/// <summary>
/// Privacy budgets as the coordinator mirrors them: refusal at creation, before sampling, and of receipts that are not as agreed.
/// </summary>
public sealed class PrivacyTests
{
    private const double Delta = 1e-5;

    private static FederationDefinition Definition { get; } = Samples.Definition with
    {
        Privacy = new() { Epsilon = 4, Delta = Delta, SamplingRate = 0.05, Accountant = "rdp" },
        Training = new() { LocalSteps = 16, BatchSize = 8 },
        Cohort = Samples.Definition.Cohort with { MinNodes = 2, Quorum = 1 },
    };

    [Fact]
    public async Task Papers_terms_are_calibrated_and_shown_per_node()
    {
        await using var coordinator = await Coordinator.StartAsync();
        await coordinator.EnrolAsync("a", "b");
        await coordinator.Creator.CreateAsync(Definition with
        {
            Privacy = Definition.Privacy! with { SamplingRate = 0 },
            PublicCounts = new() { ["a"] = 400, ["b"] = 4000 },
        }, null, default);
        var rows = (await coordinator.Federation.GetAsync(default)).Privacy;
        Assert.Equal(["a", "b"], rows.Select(row => row.Node));
        Assert.Equal([0.02, 0.002], rows.Select(row => row.SamplingRate));
        Assert.All(rows, row => Assert.InRange(row.PlannedEpsilon, 3.9, 4));
        Assert.True(rows[0].NoiseMultiplier > rows[1].NoiseMultiplier);
    }

    /// <summary>
    /// Calibrated by each side for itself, sigma differed in its last digit with the C library's kernels, and every update was refused
    /// after it was charged.
    /// </summary>
    [Fact]
    public async Task A_task_states_sigma_and_q_so_that_no_node_computes_them_again()
    {
        await using var coordinator = await StartAsync(Definition);
        await PollAsync(coordinator, "a", limit: 0);
        await PollAsync(coordinator, "b", limit: 0);
        await coordinator.UntilAsync(seen => seen.Current?.State == RoundState.Open);
        var row = (await coordinator.Federation.GetAsync(default)).Privacy.First(row => row.Node == "a");
        var terms = (await PollAsync(coordinator, "a", limit: 0)).Task!.Definition.Privacy!;
        Assert.True(row.NoiseMultiplier > 0);
        Assert.Equal((row.NoiseMultiplier, row.SamplingRate, 4), (terms.NoiseMultiplier, terms.SamplingRate, terms.Epsilon));
    }

    [Fact]
    public async Task Planned_rounds_that_fit_no_limit_are_refused_with_what_would()
    {
        await using var coordinator = await Coordinator.StartAsync();
        await coordinator.EnrolAsync("a", "b");
        await PollAsync(coordinator, "a", limit: 2);
        await PollAsync(coordinator, "b", limit: 1.5);
        var refusal = await Assert.ThrowsAsync<RefusedException>(() => coordinator.Creator.CreateAsync(Definition, null, default));
        Assert.Equal(RefusalCodes.PrivacyBudget, refusal.Code);
        Assert.Matches(
            "a: of 3 planned rounds [0-2] fit the limit epsilon 2 .*; all would with noise multiplier [0-9.]+; b: of 3 planned rounds",
            refusal.Message);
        // With the sites' limits as they are now it is created.
        await PollAsync(coordinator, "a", limit: 5);
        await PollAsync(coordinator, "b", limit: 0);
        Assert.Equal(FederationState.Created, (await coordinator.Creator.CreateAsync(Definition, null, default)).State);
    }

    [Fact]
    public async Task Terms_that_contradict_each_other_are_refused()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var little = Definition with { Privacy = Definition.Privacy! with { NoiseMultiplier = 0.5 } };
        var refusal = await Assert.ThrowsAsync<RefusedException>(() => coordinator.Creator.CreateAsync(little, null, default));
        Assert.Equal(RefusalCodes.DefinitionInvalid, refusal.Code);
        Assert.Contains("of 3 planned rounds", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_without_budget_is_left_out_before_sampling_and_the_others_go_on()
    {
        await using var coordinator = await StartAsync(Definition with { Cohort = Definition.Cohort with { MinNodes = 1 } });
        // What was spent elsewhere counts: the balance holds another federation's steps.
        var run = new PrivacyRun { NoiseMultiplier = 1, SamplingRate = 0.05, Steps = 400 };
        var told = await PollAsync(coordinator, "b", limit: 4, run);
        await PollAsync(coordinator, "a", limit: 0);
        var view = await coordinator.UntilAsync(seen => seen.Current?.State == RoundState.Open);
        Assert.Equal(["a"], view.Current!.Nodes.Select(node => node.Name));
        var excluded = Assert.Single(view.Excluded);
        Assert.Equal("b", excluded.Name);
        Assert.Contains("its limit is 4", excluded.Reason, StringComparison.Ordinal);
        Assert.Null(told.Task);
        Assert.Contains("not this node: one more round would bring", (await PollAsync(coordinator, "b", limit: 4, run)).WaitingFor,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_too_few_nodes_have_budget_the_federation_pauses_and_says_so()
    {
        await using var coordinator = await StartAsync(Definition);
        var run = new PrivacyRun { NoiseMultiplier = 1, SamplingRate = 0.05, Steps = 400 };
        await PollAsync(coordinator, "b", limit: 4, run);
        var view = await coordinator.UntilAsync(seen => seen.State == FederationState.Paused);
        Assert.Contains("too few nodes have privacy budget", view.Reason, StringComparison.Ordinal);
        Assert.Contains("b: one more round", view.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Receipts_are_mirrored_and_count_where_a_ledger_has_forgotten_them()
    {
        await using var coordinator = await StartAsync(Definition with { Cohort = Definition.Cohort with { MinNodes = 1 } });
        await PollAsync(coordinator, "a", limit: 4);
        var header = Private(coordinator, "a", (await coordinator.Federation.GetAsync(default)).Privacy.First(row => row.Node == "a"));
        await coordinator.SendAsync(header, Samples.Update(1));
        var view = await coordinator.UntilAsync(seen => seen.RoundsDone == 1);
        var row = view.Privacy.First(row => row.Node == "a");
        Assert.Equal((1, 1.25, 4.0), (row.Rounds, row.SpentEpsilon, row.LimitEpsilon));
        await coordinator.KillAndRestartAsync();
        Assert.Single(await coordinator.Node("a").LedgerAsync(default));
        // The node comes back with an older copy of its ledger, which knows of nothing.
        await PollAsync(coordinator, "a", limit: 4);
        var big = new PrivacyRun { NoiseMultiplier = row.NoiseMultiplier, SamplingRate = row.SamplingRate, Steps = 1 };
        var (fresh, known) = (await coordinator.Node("b").AskPlanAsync(big, 1_000_000, default),
            await coordinator.Node("a").AskPlanAsync(big, 1_000_000, default));
        Assert.True(fresh.Fits);
        await PollAsync(coordinator, "b", limit: 4);
        fresh = await coordinator.Node("b").AskPlanAsync(big, 1_000_000, default);
        Assert.Equal(16, fresh.Rounds - known.Rounds);
    }

    [Fact]
    public async Task A_round_that_was_spent_twice_counts_twice_and_an_older_copy_of_a_ledger_shows()
    {
        await using var coordinator = await StartAsync(Definition with { Cohort = Definition.Cohort with { MinNodes = 1 } });
        await PollAsync(coordinator, "a", limit: 4);
        var receipt = Private(coordinator, "a",
            (await coordinator.Federation.GetAsync(default)).Privacy.First(row => row.Node == "a")).Receipt!;
        foreach (var (hash, sequence) in new[] { ("1", 1), ("2", 2), ("2", 2) })
            await coordinator.Node("a")
                .RecordReceiptAsync(
                    new()
                    {
                        Federation = "mail",
                        Round = 1,
                        Receipt = receipt with { EntryHash = hash, EntrySequence = sequence },
                        At = DateTimeOffset.UnixEpoch,
                    }, default);
        Assert.Equal(2, (await coordinator.Node("a").LedgerAsync(default)).Length);
        var round = new PrivacyRun { NoiseMultiplier = receipt.NoiseMultiplier, SamplingRate = receipt.SamplingRate, Steps = 16 };
        Assert.True((await coordinator.Node("a").AskBudgetAsync(round, default)).Fits);
        await PollAsync(coordinator, "a", limit: 4, entries: 1);
        Assert.Contains("older copy", (await coordinator.Node("a").AskBudgetAsync(round, default)).Reason, StringComparison.Ordinal);
        await PollAsync(coordinator, "a", limit: 4, entries: 2);
        Assert.True((await coordinator.Node("a").AskBudgetAsync(round, default)).Fits);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("noise")]
    [InlineData("rate")]
    [InlineData("steps")]
    [InlineData("clip")]
    [InlineData("count")]
    [InlineData("loss")]
    public async Task Receipts_that_are_not_as_agreed_are_refused(string what)
    {
        await using var coordinator = await StartAsync(Definition with { Cohort = Definition.Cohort with { MinNodes = 1 } });
        await PollAsync(coordinator, "a", limit: 4);
        var good = Private(coordinator, "a", (await coordinator.Federation.GetAsync(default)).Privacy.First(row => row.Node == "a"));
        var bad = what switch
        {
            "none" => good with { Receipt = null },
            "noise" => good with { Receipt = good.Receipt! with { NoiseMultiplier = good.Receipt.NoiseMultiplier * 0.99 } },
            "rate" => good with { Receipt = good.Receipt! with { SamplingRate = 0.04 } },
            "steps" => good with { Receipt = good.Receipt! with { Steps = 15 } },
            "clip" => good with { Receipt = good.Receipt! with { ClipNorm = 2 } },
            "count" => good with { ExampleCount = 404 },
            _ => good with { Loss = 0.5 },
        };
        await RoundTests.RefusedAsync(RefusalCodes.UpdateReceipt, () => coordinator.SendAsync(bad, Samples.Update(1)));
        await coordinator.SendAsync(good, Samples.Update(1));
    }

    /// <summary>
    /// Noise calibrated as for equal sites while one site counts nine times as much: here every site counts alike, or by what the file
    /// states.
    /// </summary>
    [Fact]
    public void Under_privacy_sites_weigh_alike_or_by_public_counts()
    {
        Assert.Equal(1, Definition.WeightOf("a", 9000));
        Assert.Equal(Weighting.Uniform,
            Definition.ToMethodOptions().Weighting switch { Aggregation.Weighting.Uniform => Weighting.Uniform, _ => Weighting.Examples });
        var stated = Definition with { Weighting = Weighting.PublicCounts, PublicCounts = new() { ["a"] = 300, ["b"] = 100 } };
        Assert.Equal(300, stated.WeightOf("a", 9000));
        Assert.Throws<FedLoraException>(() => DefinitionRules.CheckWhole(Definition with { Weighting = Weighting.Examples }));
    }

    private static async Task<Coordinator> StartAsync(FederationDefinition definition)
    {
        var coordinator = await Coordinator.StartAsync();
        await coordinator.EnrolAsync("a", "b");
        await coordinator.Creator.CreateAsync(definition, null, default);
        await coordinator.Federation.StartAsync(default);
        await coordinator.StoredAsync(
            async () => (await coordinator.Registry.ListFederationsAsync(default))[0].State == FederationState.Running);
        return coordinator;
    }

    private static Task<PollReply> PollAsync(Coordinator coordinator, string name, double limit, params PrivacyRun[] runs) =>
        PollAsync(coordinator, name, limit, 0, runs);

    private static Task<PollReply> PollAsync(Coordinator coordinator, string name, double limit, long entries, params PrivacyRun[] runs) =>
        coordinator.Node(name).PollAsync(
            new()
            {
                Profile = new()
                {
                    ModelFingerprints = [Samples.Fingerprint],
                    Balances = [new()
                    {
                        DataSet = $"data-{name}",
                        SpentEpsilon = 0,
                        LimitEpsilon = limit,
                        Delta = Delta,
                        Entries = entries,
                        Runs = runs,
                    }],
                },
            }, default);

    private static UpdateHeader Private(Coordinator coordinator, string name, NodePrivacy row) =>
        coordinator.Header(name, 1, 1, Samples.Update(1)) with
        {
            ExampleCount = 0,
            Loss = null,
            Steps = 16,
            Receipt = new()
            {
                NoiseMultiplier = row.NoiseMultiplier,
                SamplingRate = row.SamplingRate,
                Steps = 16,
                ClipNorm = 1,
                Delta = Delta,
                EpsilonSpent = 1.25,
                EpsilonLimit = 4,
                DataSet = $"data-{name}",
                EntryHash = new('0', 64),
            },
        };
}
