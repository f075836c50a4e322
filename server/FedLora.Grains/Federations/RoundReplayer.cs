using FedLora.Adapters;

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
                throw new RefusedException(RefusalCodes.UpdatesPruned,
                    $"Round {round} of '{federation}' cannot be replayed: blob {blob} is no longer kept.",
                    "Raise the federation's retention to keep more rounds.");
        }

        var started = time.GetTimestamp();
        var inputs = new RoundInputs(view.Definition, round, record.Before, record.Updates) { Optimizer = record.Optimizer };
        var (result, memory) = await Task.Run(() => aggregator.ComputeAsync(inputs, cancellationToken), cancellationToken);
        return new()
        {
            Round = round,
            StoredSha256 = record.After.Sha256,
            ReplayedSha256 = result.Global.Hash,
            Differences =
            [
                .. Differs("adapter", record.After, result.Global),
                .. Differs("fold", record.Fold, result.Fold),
                .. record.OptimizerAfter is { } after
                    ? Differs("optimiser's mean", after.Mean, memory?.Mean).Concat(Differs("optimiser's root", after.Root, memory?.Root))
                    : [],
            ],
            Milliseconds = time.GetElapsedTime(started).TotalMilliseconds,
        };
    }

    private static IEnumerable<string> Differs(string what, AdapterRef? stored, AdapterState? replayed) =>
        stored?.Sha256 == replayed?.Hash ? [] : [$"{what}: {replayed?.Hash ?? "none"} now, {stored?.Sha256 ?? "none"} then"];
}
