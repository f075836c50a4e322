using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Compression;
using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

/// <summary>
/// Computes the next global adapter from stored updates: a pure function of its inputs, the same bytes whatever the order of arrival.
/// Updates are read from the store one at a time, so memory does not grow with their number.
/// </summary>
public sealed class RoundAggregator(IBlobStore blobs, TimeProvider time, ILogger<RoundAggregator> logger)
{
    /// <summary>Aggregates and stores the result and the round's record: what is returned names only what is durable.</summary>
    /// <exception cref="FedLoraException">The updates do not fit the method; cannot happen with updates that were validated.</exception>
    /// <exception cref="RefusedException"><c>blob-missing</c>, <c>disk-full</c>.</exception>
    public async Task<AggregationOutcome> RunAsync(RoundInputs inputs, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var (result, memory) = await ComputeAsync(inputs, cancellationToken);
        foreach (var node in result.Report.LeftOut)
            logger.LeftOut(inputs.Definition.Name, inputs.Round, node);
        foreach (var (node, norm) in result.Report.Bounded)
            logger.Bounded(inputs.Definition.Name, inputs.Round, node, norm, inputs.Definition.Robust.NormBound);
        var took = time.GetElapsedTime(started).TotalMilliseconds;
        var after = await blobs.PutAdapterAsync(result.Global, cancellationToken);
        var fold = result.Fold is null ? null : await blobs.PutAdapterAsync(result.Fold, cancellationToken);
        var optimizer = memory is null ? null : new OptimizerMemory
        {
            Step = memory.Step,
            Mean = await blobs.PutAdapterAsync(memory.Mean, cancellationToken),
            Root = await blobs.PutAdapterAsync(memory.Root, cancellationToken),
        };
        return new()
        {
            Round = inputs.Round,
            Adapter = after,
            Record = await blobs.PutJsonAsync(inputs.Record! with { After = after, Fold = fold, OptimizerAfter = optimizer },
                cancellationToken),
            Fold = fold,
            Folded = result.Fold is { } last && inputs.Folds.Count >= FederationStanding.MostFolds
                ? await FoldedAsync(inputs, last, cancellationToken) : null,
            Milliseconds = took,
            AggregationError = result.Report.RelativeError,
            AggregationStandardError = result.Report.StandardError,
            Optimizer = optimizer,
        };
    }

    /// <summary>Aggregates without storing anything; with the memory of the server's optimiser, where there is one.</summary>
    public async Task<(AggregationResult Result, FedAdamState? Optimizer)> ComputeAsync(RoundInputs inputs,
        CancellationToken cancellationToken)
    {
        var definition = inputs.Definition;
        var global = await blobs.GetAdapterAsync(inputs.Before.Sha256, cancellationToken);
        var updates = new List<IUpdate>(inputs.Updates.Count);
        var starts = new Dictionary<int, (AdapterState Adapter, VectorLayout Layout)>();
        foreach (var update in inputs.Updates)
        {
            if (update.Header.Encoding == BlobEncoding.Safetensors)
            {
                updates.Add(new StreamUpdate(update.Header.NodeId, update.Weight, Open));
                continue;
            }

            if (!starts.TryGetValue(update.Rank, out var start))
                starts[update.Rank] = start = (definition.StartOf(global, inputs.Round, update.Rank),
                    definition.SentLayout(inputs.Round, update.Rank));
            updates.Add(new SparseUpdate(update.Header.NodeId, update.Weight, Read, start.Adapter, start.Layout));

            // Aggregation is plain computing in a thread of its own, outside the grain's turn: that thread may wait.
            Stream Open() => blobs.OpenReadAsync(update.Header.Sha256, cancellationToken).GetAwaiter().GetResult();

            byte[] Read()
            {
                using var blob = Open();
                return blob.ReadAll();
            }
        }

        var memory = inputs.Optimizer is { } remembered
            ? new FedAdamState(remembered.Step, await blobs.GetAdapterAsync(remembered.Mean.Sha256, cancellationToken),
                await RootAsync(remembered, cancellationToken))
            : null;
        return RoundStep.Run(definition, inputs.Round, global, new UpdateSet(updates), memory, cancellationToken: cancellationToken);
    }

    private async Task<AdapterRef> FoldedAsync(RoundInputs inputs, AdapterState last, CancellationToken cancellationToken)
    {
        var folds = new List<AdapterState>();
        foreach (var fold in inputs.Folds)
            folds.Add(await blobs.GetAdapterAsync(fold.Sha256, cancellationToken));
        return await blobs.PutAdapterAsync(FoldSum.Of([.. folds, last], inputs.Definition.ToLayout(), Environment.ProcessorCount),
            cancellationToken);
    }

    private async Task<AdapterState> RootAsync(OptimizerMemory memory, CancellationToken cancellationToken)
    {
        if (memory.Root is { } root)
            return await blobs.GetAdapterAsync(root.Sha256, cancellationToken);
        var squares = await blobs.GetAdapterAsync(memory.Square!.Sha256, cancellationToken);
        return new(squares.Select(tensor => tensor with { Values = [.. tensor.Values.Select(MathF.Sqrt)] }));
    }
}
