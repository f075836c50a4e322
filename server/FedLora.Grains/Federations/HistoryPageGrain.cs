namespace FedLora.Grains.Federations;

/// <summary>
/// One page of a federation's history, of <see cref="FederationStanding.PageSize"/> rounds; the key is <c>federation/page</c>. Written
/// once, so that a round costs the same however many went before.
/// </summary>
public interface IHistoryPageGrain : IGrainWithStringKey
{
    /// <summary>Stores the page; the same again changes nothing.</summary>
    [Repeatable]
    Task WriteAsync(RoundSummary[] rounds, CancellationToken cancellationToken);

    /// <summary>Its rounds, oldest first; none where it was not written.</summary>
    [Repeatable]
    Task<RoundSummary[]> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Forgets the page.</summary>
    [Repeatable]
    Task DeleteAsync(CancellationToken cancellationToken);
}

/// <summary>Stored state of a page.</summary>
public sealed class HistoryPage
{
    public List<RoundSummary> Rounds { get; set; } = [];
}

/// <inheritdoc cref="IHistoryPageGrain"/>
public sealed class HistoryPageGrain([PersistentState("history")] IPersistentState<HistoryPage> page) : Grain, IHistoryPageGrain
{
    /// <summary>The page's key.</summary>
    public static string Key(string federation, int page) => $"{federation}/{page}";

    public async Task WriteAsync(RoundSummary[] rounds, CancellationToken cancellationToken)
    {
        if (page.State.Rounds.SequenceEqual(rounds))
            return;
        page.State = new() { Rounds = [.. rounds] };
        await this.StoreAsync(page);
    }

    public Task<RoundSummary[]> ReadAsync(CancellationToken cancellationToken) => Task.FromResult(page.State.Rounds.ToArray());

    public async Task DeleteAsync(CancellationToken cancellationToken)
    {
        await page.ClearStateAsync(CancellationToken.None);
        DeactivateOnIdle();
    }
}
