using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Grains;

/// <summary>
/// Computes the next global adapter from stored updates: a pure function of its inputs, the same bytes whatever the order of arrival. Updates are read from the
/// store one at a time, so memory does not grow with their number.
/// </summary>
public sealed class RoundAggregator(IBlobStore blobs, TimeProvider time)
{
    /// <summary>Aggregates and stores the result.</summary>
    /// <exception cref="FedLoraException">The updates do not fit the method; cannot happen with updates that were validated.</exception>
    /// <exception cref="RefusedException"><c>blob-missing</c>, <c>disk-full</c>.</exception>
    public async Task<RoundOutput> RunAsync(RoundInputs inputs, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var result = await ComputeAsync(inputs, cancellationToken);
        var took = time.GetElapsedTime(started).TotalMilliseconds;
        var after = await blobs.PutAdapterAsync(result.Global, cancellationToken);
        var fold = result.Fold is null ? null : await blobs.PutAdapterAsync(result.Fold, cancellationToken);
        return new(after, fold, took, result.Report.RelativeError);
    }

    /// <summary>Aggregates without storing anything.</summary>
    public async Task<AggregationResult> ComputeAsync(RoundInputs inputs, CancellationToken cancellationToken)
    {
        var definition = inputs.Definition;
        var global = await blobs.GetAdapterAsync(inputs.Before.Sha256, cancellationToken);
        var updates = new List<IUpdate>(inputs.Updates.Count);
        foreach (var update in inputs.Updates)
        {
            var path = await blobs.GetFileAsync(update.Header.Sha256, cancellationToken);
            updates.Add(new FileUpdate(update.Header.NodeId, update.Weight, path));
        }

        var options = new AggregationOptions(definition.ToLayout(), definition.ToMethodOptions(), inputs.Round, definition.Seed);
        Debug.Assert(updates.Count > 0, "The quorum is at least one.");
        return Methods.Get(definition.Method).Aggregate(global, new UpdateSet(updates), options, cancellationToken);
    }
}
