namespace FedLora.Grains.Federations;

/// <summary>Computes a committed round again from what is stored.</summary>
public sealed class RoundReplayer(IGrainFactory grains, IBlobStore blobs, RoundAggregator aggregator, TimeProvider time)
{
    /// <exception cref="RefusedException"><c>round-unknown</c>; <c>updates-pruned</c> where the inputs are no longer kept.</exception>
    public async Task<ReplayResult> ReplayAsync(string federation, int round, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IFederationGrain>(federation);
        var record = await grain.GetRoundAsync(round, cancellationToken);
        var view = await grain.GetAsync(cancellationToken);
        foreach (var blob in record.Updates.Select(update => update.Header.Sha256).Prepend(record.Before.Sha256)
            .Concat(record.Optimizer?.Blobs().Select(memory => memory.Sha256) ?? []))
        {
            if (!await blobs.ExistsAsync(blob, cancellationToken))
                throw new RefusedException(RefusalCodes.UpdatesPruned, $"Round {round} of '{federation}' cannot be replayed: blob {blob} is no longer kept.", "Raise the federation's retention to keep more rounds.");
        }

        var started = time.GetTimestamp();
        var inputs = new RoundInputs(view.Definition, round, record.Before, record.Updates) { Optimizer = record.Optimizer };
        var (result, _) = await Task.Run(() => aggregator.ComputeAsync(inputs, cancellationToken), cancellationToken);
        return new()
        {
            Round = round,
            StoredSha256 = record.After.Sha256,
            ReplayedSha256 = result.Global.Hash,
            Milliseconds = time.GetElapsedTime(started).TotalMilliseconds,
        };
    }
}
