namespace FedLora.Grains.Tests;

/// <summary>What nobody refers to goes; what a federation needs stays.</summary>
public sealed class JanitorTests
{
    private static readonly DateTime Old = new(2025, 12, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public async Task Every_hour_orphans_go_and_nothing_that_a_federation_needs()
    {
        await using var coordinator = await RoundTests.StartAsync(Samples.Definition with { Retention = new() { UpdateRounds = 1 } });
        await FinishRoundAsync(coordinator, 1);
        await FinishRoundAsync(coordinator, 2);
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.DeliverAsync("a", 301);
        var needed = await coordinator.Federation.KeptBlobsAsync(default);
        var orphan = await coordinator.Blobs.PutAdapterAsync(Samples.Update(9), default);
        var young = await coordinator.Blobs.PutAdapterAsync(Samples.Update(8), default);
        foreach (var hash in needed.Append(orphan.Sha256))
            File.SetLastWriteTimeUtc(coordinator.BlobPath(hash), Old);

        var janitor = coordinator.Grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key);
        // Nothing at once: whether it is old is a question to a clock that somebody may have set.
        foreach (var cleaned in new[] { await janitor.CleanUpAsync(default), await janitor.CleanUpAsync(default) })
        {
            Assert.Equal((0, 0), (cleaned.Partials, cleaned.Blobs));
            // Both are told of: the young one goes later still.
            Assert.True(cleaned.Waiting >= 2, $"{cleaned}");
        }
        coordinator.Time.Advance(JanitorGrain.Unreferred);
        await coordinator.Federation.GetAsync(default);
        await janitor.CleanUpAsync(default);

        Assert.False(await coordinator.Blobs.ExistsAsync(orphan.Sha256, default));
        Assert.True(await coordinator.Blobs.ExistsAsync(young.Sha256, default));
        foreach (var hash in needed)
            Assert.True(await coordinator.Blobs.ExistsAsync(hash, default));
        // The adapter that all began with, both rounds' records, the updates of the last one, and the open round's.
        var first = await coordinator.Federation.GetRoundAsync(1, default);
        var last = await coordinator.Federation.GetRoundAsync(2, default);
        Assert.Contains(first.Before.Sha256, needed);
        Assert.All(last.Updates, update => Assert.Contains(update.Header.Sha256, needed));
        Assert.All(first.Updates, update => Assert.DoesNotContain(update.Header.Sha256, needed));
        Assert.Contains(coordinator.Header("a", 3, 1, Samples.Update(301)).Sha256, needed);
        var replay = await coordinator.Service<RoundReplayer>().ReplayAsync("demo", 2, default);
        Assert.Equal(replay.StoredSha256, replay.ReplayedSha256);
    }

    [Fact]
    public async Task It_comes_by_itself()
    {
        await using var coordinator = await Coordinator.StartAsync();
        await coordinator.Grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key).WakeAsync(default);
        var orphan = await coordinator.Blobs.PutAdapterAsync(Samples.Update(9), default);
        var path = coordinator.BlobPath(orphan.Sha256);
        File.SetLastWriteTimeUtc(path, Old);
        var gone = new TaskCompletionSource();
        using var watcher = new FileSystemWatcher(Path.GetDirectoryName(path)!);
        watcher.Deleted += (_, _) => gone.TrySetResult();
        watcher.EnableRaisingEvents = true;
        await coordinator.Grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key).CleanUpAsync(default);
        coordinator.Time.Advance(JanitorGrain.Unreferred);
        await gone.Task.WaitAsync(Coordinator.Never);
        Assert.False(await coordinator.Blobs.ExistsAsync(orphan.Sha256, default));
    }

    /// <summary>
    /// A clock that is set forward by two days makes everything two days old: what somebody is just about to refer to stays all the same.
    /// </summary>
    [Fact]
    public async Task A_clock_that_is_set_forward_removes_nothing()
    {
        await using var coordinator = await Coordinator.StartAsync();
        var janitor = coordinator.Grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key);
        await janitor.CleanUpAsync(default);
        var young = await coordinator.Blobs.PutAdapterAsync(Samples.Update(8), default);
        coordinator.Time.AdjustTime(coordinator.Time.GetUtcNow().AddDays(2));
        Assert.Equal(0, (await janitor.CleanUpAsync(default)).Blobs);
        Assert.Equal(0, (await janitor.CleanUpAsync(default)).Blobs);
        Assert.True(await coordinator.Blobs.ExistsAsync(young.Sha256, default));
    }

    [Fact]
    public async Task Of_FedAdams_memory_only_what_can_be_replayed_stays()
    {
        var definition = Samples.Definition with
        {
            Retention = new() { UpdateRounds = 1 },
            Communication = new() { ServerOptimizer = "fedadam" },
        };
        await using var coordinator = await RoundTests.StartAsync(definition);
        for (var round = 1; round <= 3; round++)
            await FinishRoundAsync(coordinator, round);
        var records = new List<RoundRecord>();
        for (var round = 1; round <= 3; round++)
            records.Add(await coordinator.Federation.GetRoundAsync(round, default));
        Assert.Null(records[0].Optimizer);
        Assert.False(await coordinator.Blobs.ExistsAsync(records[1].Optimizer!.Mean.Sha256, default));
        Assert.False(await coordinator.Blobs.ExistsAsync(records[1].Optimizer!.Root!.Sha256, default));
        Assert.True(await coordinator.Blobs.ExistsAsync(records[2].Optimizer!.Mean.Sha256, default));
        var replay = await coordinator.Service<RoundReplayer>().ReplayAsync("demo", 3, default);
        Assert.Equal(replay.StoredSha256, replay.ReplayedSha256);
    }

    private static async Task FinishRoundAsync(Coordinator coordinator, int round)
    {
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        foreach (var (name, seed) in new[] { ("a", 1), ("b", 2), ("c", 3) })
            await coordinator.DeliverAsync(name, (round * 100) + seed);
        await coordinator.UntilAsync(view => view.RoundsDone == round);
    }
}
