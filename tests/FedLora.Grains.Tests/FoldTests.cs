using FedLora.Adapters;

namespace FedLora.Grains.Tests;

/// <summary>
/// Products to fold into the base weights: a node that joins late fetches as few as one that joined early, and no round's own is lost.
/// </summary>
public sealed class FoldTests
{
    private const int Rounds = FederationStanding.MostFolds + 2;

    [Fact]
    public async Task Many_folds_become_one_and_an_earlier_round_is_still_exported()
    {
        await using var coordinator = await RoundTests.StartAsync(
            Samples.Definition with
            {
                Method = "flora",
                Rounds = Rounds + 1,
                Cohort = Samples.Definition.Cohort with { MinNodes = 1, Quorum = 1 },
            });
        var most = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            await RoundTests.GatherAsync(coordinator, "a");
            most = Math.Max(most, (await coordinator.PollAsync("a")).Task!.Fold.Count);
            await coordinator.DeliverAsync("a", round);
            await coordinator.UntilAsync(view => view.RoundsDone == round);
        }

        Assert.Equal(FederationStanding.MostFolds, most);
        var view = await coordinator.Federation.GetAsync(default);
        Assert.Equal(2, view.Fold.Count);
        Assert.Equal(view.Fold, await coordinator.Federation.FoldsAfterAsync(Rounds, default));
        var each = await coordinator.Federation.FoldsAfterAsync(Rounds - 1, default);
        Assert.Equal(Rounds - 1, each.Length);
        Assert.Empty(await coordinator.Federation.FoldsAfterAsync(0, default));
        var kept = await coordinator.Federation.KeptBlobsAsync(default);
        Assert.Subset(kept.ToHashSet(StringComparer.Ordinal), each.Select(fold => fold.Sha256).ToHashSet(StringComparer.Ordinal));
        Assert.Equal(await ProductAsync(coordinator, [.. each, view.Fold[^1]]), await ProductAsync(coordinator, view.Fold),
            (one, other) => Math.Abs(one - other) < 1e-4);
    }

    /// <summary>
    /// A replay that looks at the adapter alone is content with a fold that every node has added to its weights and that is another.
    /// </summary>
    [Theory]
    [InlineData("flora", "add", "fold")]
    [InlineData("fedit", "fedadam", "optimiser's mean")]
    public async Task A_replay_compares_all_that_a_round_has_made(string method, string optimizer, string what)
    {
        await using var coordinator = await RoundTests.StartAsync(
            Samples.Definition with { Method = method, Communication = new() { ServerOptimizer = optimizer } });
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        foreach (var (name, seed) in new[] { ("a", 1), ("b", 2), ("c", 3) })
            await coordinator.DeliverAsync(name, seed);
        var round = (await coordinator.UntilAsync(view => view.RoundsDone == 1)).History[0];
        var replayer = coordinator.Service<RoundReplayer>();
        Assert.Empty((await replayer.ReplayAsync("demo", 1, default)).Differences);
        var record = await coordinator.Federation.GetRoundAsync(1, default);
        var made = record.Fold ?? record.OptimizerAfter!.Mean;
        var path = coordinator.BlobPath(round.Record);
        await File.WriteAllTextAsync(path,
            (await File.ReadAllTextAsync(path)).Replace(made.Sha256, new string('0', 64), StringComparison.Ordinal));
        var replay = await replayer.ReplayAsync("demo", 1, default);
        Assert.Equal(replay.StoredSha256, replay.ReplayedSha256);
        Assert.StartsWith($"{what}: {made.Sha256} now", Assert.Single(replay.Differences), StringComparison.Ordinal);
    }

    /// <summary>Up to format 1 FedAdam kept squares; a federation of that time goes on as one that kept their roots.</summary>
    [Fact]
    public async Task FedAdams_squares_of_before_are_read_as_their_roots()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var definition = Samples.Definition with { Communication = new() { ServerOptimizer = "fedadam" } };
        var global = await coordinator.Blobs.PutAdapterAsync(Samples.Update(1), default);
        var (mean, root, square) = (await FilledAsync(0.5f), await FilledAsync(0.25f), await FilledAsync(0.0625f));
        var update = await coordinator.Blobs.PutAdapterAsync(Samples.Update(2), default);
        var header = new UpdateHeader
        {
            Federation = "demo",
            Round = 2,
            Attempt = 1,
            NodeId = "n",
            Sha256 = update.Sha256,
            Bytes = update.Bytes,
        };
        var inputs = new RoundInputs(definition, 2, global,
            [new() { Header = header, Weight = 1, ReceivedAt = DateTimeOffset.UnixEpoch, Rank = 2 }]);
        var aggregator = coordinator.Service<RoundAggregator>();
        var (now, memory) = await aggregator.ComputeAsync(inputs with { Optimizer = new() { Step = 3, Mean = mean, Root = root } },
            default);
        var (before, older) = await aggregator.ComputeAsync(inputs with { Optimizer = new() { Step = 3, Mean = mean, Square = square } },
            default);
        Assert.Equal(now.Global.Hash, before.Global.Hash);
        Assert.Equal((memory!.Step, memory.Root.Hash), (older!.Step, older.Root.Hash));

        Task<AdapterRef> FilledAsync(float value) =>
            coordinator.Blobs.PutAdapterAsync(
                new(Samples.Update(1).Select(tensor => tensor with { Values = [.. tensor.Values.Select(_ => value)] })), default);
    }

    private static async Task<double[]> ProductAsync(Coordinator coordinator, IReadOnlyList<AdapterRef> folds)
    {
        var module = Samples.Definition.ToLayout().Modules[0];
        var sum = new double[module.DOut * module.DIn];
        foreach (var fold in folds)
        {
            var state = await coordinator.Blobs.GetAdapterAsync(fold.Sha256, default);
            var (a, b) = (state[new AdapterKey(module.Name, Factors.A).Name], state[new AdapterKey(module.Name, Factors.B).Name]);
            var rank = a.Shape[0];
            for (var i = 0; i < sum.Length; i++)
            {
                var (row, column) = Math.DivRem(i, module.DIn);
                for (var k = 0; k < rank; k++)
                    sum[i] += (double)b.Values[(row * rank) + k] * a.Values[(k * module.DIn) + column];
            }
        }

        return sum;
    }
}
