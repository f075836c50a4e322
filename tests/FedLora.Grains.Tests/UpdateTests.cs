using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Privacy.Ledger;

namespace FedLora.Grains.Tests;

/// <summary>What an update must be before it is acknowledged.</summary>
public sealed class UpdateTests
{
    [Fact]
    public async Task Sent_twice_counts_once_and_another_one_is_refused()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var header = await coordinator.DeliverAsync("a", 1);
        var again = await coordinator.Receiver.BeginAsync(header, default);
        Assert.Equal(header.Bytes, again.Offset);
        await again.CompleteAsync(default);
        await RoundTests.RefusedAsync(RefusalCodes.UpdateConflict,
            () => coordinator.SendAsync(coordinator.Header("a", 1, 1, Samples.Update(2)), Samples.Update(2)));
        Assert.Equal(1, (await coordinator.Federation.GetAsync(default)).Current!.Nodes.Count(node => node.UpdateIn));
    }

    /// <summary>A round's adapter is read once for all its updates; one that is large stays where it is.</summary>
    [Fact]
    public async Task A_small_start_is_read_once()
    {
        await using var coordinator = await RoundTests.StartAsync();
        using var starts = new StartingAdapters(coordinator.Blobs);
        foreach (var (size, isKept) in ((int, bool)[])[(100, true), ((8 << 20) + 1, false)])
        {
            var bytes = new byte[size];
            bytes[^1] = 1;
            var hash = await coordinator.Blobs.PutAsync((stream, token) => stream.WriteAsync(bytes, token).AsTask(), default);
            await using (var first = await starts.OpenAsync(hash, default))
                Assert.Equal(size, first.Length);
            await coordinator.Blobs.DeleteAsync(hash, default);
            if (!isKept)
            {
                await RoundTests.RefusedAsync(RefusalCodes.BlobMissing, () => starts.OpenAsync(hash, default));
                continue;
            }

            await using var again = await starts.OpenAsync(hash, default);
            var read = new byte[size];
            await again.ReadExactlyAsync(read, TestContext.Current.CancellationToken);
            Assert.Equal(bytes, read);
        }
    }

    /// <summary>While one write lasts others come: the next takes them all, and each hears what became of its own.</summary>
    [Fact]
    public async Task Those_that_come_during_a_write_are_recorded_by_one()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.Blobs.PutAdapterAsync(Samples.Update(1), default);
        var recorder = coordinator.Service<UpdateRecorder>();
        var (a, b, c) = (coordinator.Header("a", 1, 1, Samples.Update(1)), coordinator.Header("b", 1, 1, Samples.Update(1)),
            coordinator.Header("c", 1, 1, Samples.Update(1)));
        coordinator.Life.HoldWrites();
        var first = recorder.RecordAsync(a);
        await coordinator.Life.StandsAsync();
        Task[] later = [recorder.RecordAsync(b), recorder.RecordAsync(b), recorder.RecordAsync(c with { Round = 2 })];
        var missing = recorder.RecordAsync(c with { Sha256 = new string('0', 64) });
        Assert.False(first.IsCompleted);
        coordinator.Life.PassOne();
        await first.WaitAsync(Coordinator.Never);
        await coordinator.Life.StandsAsync();
        Assert.DoesNotContain(later, task => task.IsCompleted);
        coordinator.Life.PassOne();
        await Task.WhenAll(later[..2]).WaitAsync(Coordinator.Never);
        await RoundTests.RefusedAsync(RefusalCodes.RoundUnknown, () => later[2]);
        await RoundTests.RefusedAsync(RefusalCodes.BlobMissing, () => missing);
        coordinator.Life.PassAll();
        Assert.Equal(2, (await coordinator.Federation.GetAsync(default)).Current!.Nodes.Count(node => node.UpdateIn));
    }

    /// <summary>A row names all updates of its round: a write of it that takes 10 ms is followed by a pause of 30.</summary>
    [Fact]
    public async Task Those_that_come_soon_after_a_write_are_recorded_by_one()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.Blobs.PutAdapterAsync(Samples.Update(1), default);
        var recorder = coordinator.Service<UpdateRecorder>();
        coordinator.Life.HoldWrites();
        var first = recorder.RecordAsync(coordinator.Header("a", 1, 1, Samples.Update(1)));
        await coordinator.Life.StandsAsync();
        coordinator.Time.Advance(TimeSpan.FromMilliseconds(10));
        coordinator.Life.PassOne();
        await first.WaitAsync(Coordinator.Never);
        var second = coordinator.Life.StandsAsync();
        Task[] later = [.. new[] { "b", "c" }.Select(node => recorder.RecordAsync(coordinator.Header(node, 1, 1, Samples.Update(1))))];
        coordinator.Time.Advance(TimeSpan.FromMilliseconds(29));
        Assert.False(second.IsCompleted);
        coordinator.Time.Advance(TimeSpan.FromMilliseconds(1));
        await second;
        coordinator.Life.PassOne();
        await Task.WhenAll(later).WaitAsync(Coordinator.Never);
        coordinator.Life.PassAll();
    }

    /// <summary>Nobody is told that an update is recorded where the disk had no room for it, and it can be sent again.</summary>
    [Fact]
    public async Task A_write_that_fails_fails_all_that_it_was_for()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        await coordinator.Blobs.PutAdapterAsync(Samples.Update(1), default);
        var recorder = coordinator.Service<UpdateRecorder>();
        UpdateHeader[] headers = [coordinator.Header("a", 1, 1, Samples.Update(1)), coordinator.Header("b", 1, 1, Samples.Update(1))];
        coordinator.Life.Fails = 1;
        var failed = await coordinator.Federation.CommitUpdatesAsync(headers, default).ContinueWith(task => task.IsFaulted,
            TaskScheduler.Default);
        Assert.True(failed);
        await Task.WhenAll(headers.Select(recorder.RecordAsync)).WaitAsync(Coordinator.Never);
        Assert.Equal(2, (await coordinator.Federation.GetAsync(default)).Current!.Nodes.Count(node => node.UpdateIn));
    }

    [Fact]
    public async Task Wrong_round_node_size_and_hash_are_refused_by_name()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await coordinator.EnrolAsync("stranger");
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var update = Samples.Update(1);
        var good = coordinator.Header("a", 1, 1, update);
        await RoundTests.RefusedAsync(RefusalCodes.RoundUnknown, () => coordinator.SendAsync(good with { Round = 2 }, update));
        await RoundTests.RefusedAsync(RefusalCodes.NotInCohort,
            () => coordinator.SendAsync(coordinator.Header("stranger", 1, 1, update), update));
        await RoundTests.RefusedAsync(RefusalCodes.FederationUnknown,
            () => coordinator.SendAsync(good with { Federation = "nowhere" }, update));
        await RoundTests.RefusedAsync(RefusalCodes.UpdateSize, () => coordinator.SendAsync(good with { Bytes = 1 << 30 }, update));
        await RoundTests.RefusedAsync(RefusalCodes.UpdateExamples, () => coordinator.SendAsync(good with { ExampleCount = 0 }, update));
        await RoundTests.RefusedAsync(RefusalCodes.BlobHash,
            () => coordinator.SendAsync(good with { Sha256 = new string('0', 64) }, update));
        await RoundTests.RefusedAsync(RefusalCodes.UpdateReceipt, () => coordinator.SendAsync(good with { Receipt = Receipt(1) }, update));
        await coordinator.SendAsync(good, update);
    }

    [Fact]
    public async Task Wrong_content_is_refused_naming_the_tensor_and_leaves_nothing()
    {
        await using var coordinator = await RoundTests.StartAsync();
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var good = Samples.Update(1);
        var first = good.First();
        await RefusedAsync(coordinator, RefusalCodes.UpdateNotFinite,
            good.With([first with { Values = [float.NaN, .. first.Values[1..]] }]));
        await RefusedAsync(coordinator, RefusalCodes.UpdateShape, good.With([first with { Shape = [first.Shape[1], first.Shape[0]] }]));
        await RefusedAsync(coordinator, RefusalCodes.UpdateTensors, new AdapterState(good.Skip(1)));
        await RefusedAsync(coordinator, RefusalCodes.UpdateTensors,
            new AdapterState([.. good, first with { Name = first.Name.Replace("classifier", "other", StringComparison.Ordinal) }]));
        await RefusedAsync(coordinator, RefusalCodes.UpdateNorm, good.With([first with { Values = [1e6f, .. first.Values[1..]] }]));
        var noise = RandomNumberGenerator.GetBytes(100);
        var header = coordinator.Header("a", 1, 1, good) with
        {
            Bytes = noise.Length,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(noise)),
        };
        await RoundTests.RefusedAsync(RefusalCodes.UpdateFormat, () => coordinator.SendBytesAsync(header, noise));
        Assert.Equal(0, await coordinator.Blobs.PartialLengthAsync(header.Sha256, default));
        await coordinator.SendAsync(coordinator.Header("a", 1, 1, good), good);
    }

    [Fact]
    public async Task Under_privacy_a_receipt_is_needed_and_mirrored()
    {
        var definition = Samples.Definition with { Privacy = new() { Epsilon = 3, NoiseMultiplier = 1.4, SamplingRate = 0.1 } };
        await using var coordinator = await RoundTests.StartAsync(definition);
        await RoundTests.GatherAsync(coordinator, "a", "b", "c");
        var update = Samples.Update(1);
        var header = coordinator.Header("a", 1, 1, update) with { ExampleCount = 0, Loss = null, Steps = 16 };
        await RoundTests.RefusedAsync(RefusalCodes.UpdateReceipt, () => coordinator.SendAsync(header, update));
        await RoundTests.RefusedAsync(RefusalCodes.UpdateReceipt,
            () => coordinator.SendAsync(header with { Receipt = Receipt(1.3) }, update));
        await coordinator.SendAsync(header with { Receipt = Receipt(1.4) }, update);
        var entry = Assert.Single(await coordinator.Node("a").LedgerAsync(default));
        Assert.Equal(("demo", 1, 0.7), (entry.Federation, entry.Round, entry.Receipt.EpsilonSpent));
    }

    [Fact]
    public async Task A_node_whose_budget_is_gone_is_left_out_before_sampling_with_the_reason()
    {
        var definition = Samples.Definition with
        {
            Privacy = new() { Epsilon = 3, NoiseMultiplier = 1.4, SamplingRate = 0.1 },
            Cohort = Samples.Definition.Cohort with { MinNodes = 2 },
        };
        await using var coordinator = await RoundTests.StartAsync(definition);
        var profile = new NodeProfile
        {
            ModelFingerprints = new[] { Samples.Fingerprint },
            Balances = new PrivacyBalance[] { new() { DataSet = "mail", SpentEpsilon = 4, LimitEpsilon = 4, Delta = 1e-5 } },
        };
        await coordinator.Node("a").PollAsync(new() { Profile = profile }, default);
        await RoundTests.GatherAsync(coordinator, "b", "c");
        var view = await coordinator.Federation.GetAsync(default);
        Assert.Contains("mail has spent epsilon 4 of 4", Assert.Single(view.Excluded).Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(view.Current!.Nodes, node => node.NodeId == coordinator.IdOf("a"));
    }

    private static async Task RefusedAsync(Coordinator coordinator, string code, AdapterState update)
    {
        var header = coordinator.Header("a", 1, 1, update);
        await RoundTests.RefusedAsync(code, () => coordinator.SendAsync(header, update));
        Assert.False(await coordinator.Blobs.ExistsAsync(header.Sha256, default));
        Assert.Equal(0, await coordinator.Blobs.PartialLengthAsync(header.Sha256, default));
    }

    private static LedgerReceipt Receipt(double noise) => new()
    {
        NoiseMultiplier = noise,
        SamplingRate = 0.1,
        Steps = 16,
        ClipNorm = 1,
        Delta = 1e-5,
        EpsilonSpent = 0.7,
        DataSet = "mail",
        EntryHash = new string('e', 64),
    };
}
