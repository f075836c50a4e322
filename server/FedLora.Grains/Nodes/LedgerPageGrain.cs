namespace FedLora.Grains.Nodes;

/// <summary>
/// One page of the mirror of a node's ledger, of <see cref="NodeRecord.PageSize"/> receipts; the key is <c>node/page</c>. Written once, so
/// that a receipt costs the same however many went before.
/// </summary>
public interface ILedgerPageGrain : IGrainWithStringKey
{
    /// <summary>Stores the page; the same again changes nothing.</summary>
    [Repeatable]
    Task WriteAsync(LedgerMirrorEntry[] entries, CancellationToken cancellationToken);

    /// <summary>Its receipts, oldest first; none where it was not written.</summary>
    [Repeatable]
    Task<LedgerMirrorEntry[]> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Forgets the page.</summary>
    [Repeatable]
    Task DeleteAsync(CancellationToken cancellationToken);
}

/// <summary>Stored state of a page.</summary>
public sealed class LedgerPage
{
    public List<LedgerMirrorEntry> Entries { get; set; } = [];
}

/// <inheritdoc cref="ILedgerPageGrain"/>
public sealed class LedgerPageGrain([PersistentState("ledger")] IPersistentState<LedgerPage> page) : Grain, ILedgerPageGrain
{
    /// <summary>The page's key.</summary>
    public static string Key(string node, int page) => $"{node}/{page}";

    public async Task WriteAsync(LedgerMirrorEntry[] entries, CancellationToken cancellationToken)
    {
        if (page.State.Entries.SequenceEqual(entries))
            return;
        page.State = new() { Entries = [.. entries] };
        await this.StoreAsync(page);
    }

    public Task<LedgerMirrorEntry[]> ReadAsync(CancellationToken cancellationToken) => Task.FromResult(page.State.Entries.ToArray());

    public async Task DeleteAsync(CancellationToken cancellationToken)
    {
        await page.ClearStateAsync(CancellationToken.None);
        DeactivateOnIdle();
    }
}
