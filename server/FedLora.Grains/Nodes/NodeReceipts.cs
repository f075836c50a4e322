using FedLora.Privacy.Ledger;

namespace FedLora.Grains.Nodes;

/// <summary>The receipts of a node's ledger: the latest in its record, those before in pages.</summary>
/// <param name="node">Its id.</param>
/// <param name="record">Its record; who changes it stores it.</param>
/// <param name="grains">Where the pages are.</param>
internal sealed class NodeReceipts(string node, NodeRecord record, IGrainFactory grains)
{
    /// <summary>How many there are.</summary>
    public int Count => record.Ledger.Count + (record.Pages * NodeRecord.PageSize);

    /// <summary>All, oldest first.</summary>
    public async Task<LedgerMirrorEntry[]> AllAsync(CancellationToken cancellationToken)
    {
        // Taken before the pages are: one that is written meanwhile must not be missing here, nor there twice.
        LedgerMirrorEntry[] latest = [.. record.Ledger];
        return [.. (await PagesAsync(cancellationToken)).SelectMany(page => page), .. latest];
    }

    /// <summary>
    /// Whether this one is here. By the ledger's entry, not by the round: a round that was trained again was spent again. What is older
    /// than the latest receipts is looked for in the pages: it was sent very late, or the site's ledger was put back.
    /// </summary>
    public async Task<bool> IsKnownAsync(LedgerReceipt receipt, CancellationToken cancellationToken)
    {
        if (record.Ledger.Exists(Is))
            return true;
        return record.Pages > 0 && receipt.EntrySequence < record.Ledger.Min(known => known.Receipt.EntrySequence)
            && (await PagesAsync(cancellationToken)).Any(page => Array.Exists(page, Is));

        bool Is(LedgerMirrorEntry known) => known.Receipt.EntryHash == receipt.EntryHash;
    }

    /// <summary>Adds one that is not known, and moves what no longer has room in the record to a page.</summary>
    public async Task AddAsync(LedgerMirrorEntry entry)
    {
        while (record.Ledger.Count >= 2 * NodeRecord.PageSize)
        {
            // Until the record is stored, the next receipt writes the same page again.
            await Page(record.Pages).WriteAsync([.. record.Ledger.Take(NodeRecord.PageSize)], CancellationToken.None);
            record.Ledger.RemoveRange(0, NodeRecord.PageSize);
            record.Pages++;
        }

        record.Ledger.Add(entry);
        Spend(entry);
    }

    /// <summary>Adds up what a record of earlier programs, whose ledger is whole, has not added up.</summary>
    public void AddUp()
    {
        if (record.Spent is not null)
            return;
        record.Spent = [];
        record.Ledger.ForEach(Spend);
    }

    /// <summary>Deletes the pages.</summary>
    public async Task ForgetPagesAsync()
    {
        for (var page = 0; page < record.Pages; page++)
            await Page(page).DeleteAsync(CancellationToken.None);
    }

    private void Spend(LedgerMirrorEntry entry) =>
        (record.Spent, record.Receipted) = (DataSetSpending.Add(record.Spent!, entry),
            Math.Max(record.Receipted, entry.Receipt.EntrySequence));

    private ILedgerPageGrain Page(int page) => grains.GetGrain<ILedgerPageGrain>(LedgerPageGrain.Key(node, page));

    private Task<LedgerMirrorEntry[][]> PagesAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, record.Pages).Select(page => Page(page).ReadAsync(cancellationToken)));
}
