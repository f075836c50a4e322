using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Storage;

namespace FedLora.Grains.Tests;

/// <summary>The mirror of a node's ledger: a receipt costs the same however many went before, and none is lost or counted twice.</summary>
public sealed class LedgerMirrorTests
{
    private const int Receipts = (4 * NodeRecord.PageSize) + 30;

    [Fact]
    public async Task The_latest_receipts_are_kept_those_before_lie_in_pages_and_all_are_added_up()
    {
        await using var coordinator = await Coordinator.StartAsync();
        await coordinator.EnrolAsync("a");
        for (var i = 1; i <= Receipts; i++)
            await coordinator.Node("a").RecordReceiptAsync(Entry(i), default);
        // Sent again: the first lies in a page.
        foreach (var again in (int[])[1, NodeRecord.PageSize + 7, Receipts - 1, Receipts])
            await coordinator.Node("a").RecordReceiptAsync(Entry(again), default);
        await IsWholeAsync(coordinator);
        Assert.InRange((await StoredAsync(coordinator)).Ledger.Count, NodeRecord.PageSize, 2 * NodeRecord.PageSize);
        await coordinator.KillAndRestartAsync();
        await IsWholeAsync(coordinator);
    }

    /// <summary>A ledger that was put back to an older copy counts on from there: what it spends is new.</summary>
    [Fact]
    public async Task A_place_that_was_there_before_counts_where_its_entry_is_another()
    {
        await using var coordinator = await Coordinator.StartAsync();
        await coordinator.EnrolAsync("a");
        for (var i = 1; i <= Receipts; i++)
            await coordinator.Node("a").RecordReceiptAsync(Entry(i), default);
        var other = Entry(3) with { Receipt = Entry(3).Receipt with { EntryHash = "another" } };
        await coordinator.Node("a").RecordReceiptAsync(other, default);
        await coordinator.Node("a").RecordReceiptAsync(other, default);
        Assert.Equal(Receipts + 1, (await coordinator.Node("a").LedgerAsync(default)).Length);
    }

    /// <summary>Earlier programs kept all receipts in the node's record, and added up nothing.</summary>
    [Fact]
    public async Task A_record_of_before_is_read_and_its_next_receipt_pages_it()
    {
        await using var coordinator = await Coordinator.StartAsync();
        await coordinator.EnrolAsync("a");
        var record = await StoredAsync(coordinator);
        record.State.Ledger = [.. Enumerable.Range(1, Receipts - 1).Select(Entry)];
        (record.State.Spent, record.State.Receipted) = (null, 0);
        await Store(coordinator).WriteStateAsync("node", coordinator.Node("a").GetGrainId(), record.Row);
        await coordinator.KillAndRestartAsync();
        Assert.Equal(Receipts - 1, (await coordinator.Node("a").LedgerAsync(default)).Length);
        await coordinator.Node("a").RecordReceiptAsync(Entry(Receipts), default);
        await IsWholeAsync(coordinator);
        Assert.InRange((await StoredAsync(coordinator)).Ledger.Count, NodeRecord.PageSize, 2 * NodeRecord.PageSize);
    }

    private static async Task IsWholeAsync(Coordinator coordinator)
    {
        var ledger = await coordinator.Node("a").LedgerAsync(default);
        Assert.Equal(Enumerable.Range(1, Receipts).Select(place => $"{place}"), ledger.Select(entry => entry.Receipt.EntryHash));
        var spent = (await coordinator.Node("a").GetAsync(default)).Spent;
        Assert.Equal([Entry(Receipts - 1), Entry(Receipts)], spent.Select(set => set.Last));
        foreach (var set in spent)
        {
            var own = ledger.Where(entry => entry.Receipt.DataSet == set.DataSet).ToList();
            Assert.Equal(own.Sum(entry => entry.Receipt.Steps), Assert.Single(set.Runs).Steps);
            Assert.Equal(own.Select(entry => entry.Federation).Distinct().Order(StringComparer.Ordinal), set.Federations);
        }
    }

    private static async Task<(NodeRecord State, GrainState<NodeRecord> Row, List<LedgerMirrorEntry> Ledger)> StoredAsync(
        Coordinator coordinator)
    {
        var row = new GrainState<NodeRecord>(new());
        await Store(coordinator).ReadStateAsync("node", coordinator.Node("a").GetGrainId(), row);
        return (row.State!, row, row.State!.Ledger);
    }

    private static IGrainStorage Store(Coordinator coordinator) =>
        coordinator.Services.GetRequiredKeyedService<IGrainStorage>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME);

    private static LedgerMirrorEntry Entry(int place) => new()
    {
        Federation = place % 3 == 0 ? "mail" : "news",
        Round = place,
        At = DateTimeOffset.UnixEpoch.AddHours(place),
        Receipt = new()
        {
            NoiseMultiplier = 1,
            SamplingRate = 0.1,
            Steps = place,
            ClipNorm = 1,
            Delta = 1e-5,
            EpsilonSpent = 0.01 * place,
            EpsilonLimit = 8,
            DataSet = $"data {place % 2}",
            EntryHash = $"{place}",
            EntrySequence = place,
        },
    };
}
