using FedLora.Aggregation;

namespace FedLora.Grains.Federations;

/// <summary>
/// The blobs that a federation still needs: adapters and records of its whole history, folds, what its optimiser remembers, the updates of
/// the open round, and the inputs of the rounds that can be replayed. The history's pages are read once and kept, so that asking costs the
/// same after however many rounds.
/// </summary>
internal sealed class FederationRoots(IBlobStore blobs, Func<int, Task<RoundSummary[]>> readPage)
{
    private readonly Dictionary<int, string[]> _inputs = [];
    private readonly Dictionary<int, string[]> _olderFolds = [];
    private readonly List<RoundSummary> _paged = [];
    private readonly HashSet<string> _pagedBlobs = new(StringComparer.Ordinal);
    private string? _first;

    /// <summary>All of them.</summary>
    public async Task<HashSet<string>> AllAsync(FederationStanding standing, CancellationToken cancellationToken)
    {
        var kept = await RecentAsync(standing, cancellationToken);
        kept.UnionWith(_pagedBlobs);
        return kept;
    }

    /// <summary>Which of these it needs.</summary>
    public async Task<string[]> AmongAsync(FederationStanding standing, IEnumerable<string> hashes, CancellationToken cancellationToken)
    {
        var recent = await RecentAsync(standing, cancellationToken);
        return [.. hashes.Where(hash => recent.Contains(hash) || _pagedBlobs.Contains(hash))];
    }

    /// <summary>What this federation no longer needs after a commit; others may.</summary>
    public async Task<string[]> LeavingAsync(FederationStanding standing, CancellationToken cancellationToken)
    {
        var (rules, done) = (standing.Definition.Retention, standing.RoundsDone);
        var leaving = new HashSet<string>(StringComparer.Ordinal);
        await ReadPagesAsync(standing);
        if (rules.UpdateRounds >= 0 && At(standing, done - rules.UpdateRounds) is { } inputs)
            leaving.UnionWith(await InputsAsync(inputs, cancellationToken));
        if (rules.AdapterRounds >= 0 && At(standing, done - rules.AdapterRounds - 1) is { } adapter)
            leaving.Add(adapter.Adapter.Sha256);
        leaving.ExceptWith(leaving.Count > 0 ? await AmongAsync(standing, leaving, cancellationToken) : []);
        return [.. leaving];
    }

    // All but what only the pages name.
    private async Task<HashSet<string>> RecentAsync(FederationStanding standing, CancellationToken cancellationToken)
    {
        await ReadPagesAsync(standing);
        var (rules, done) = (standing.Definition.Retention, standing.RoundsDone);
        var kept = new HashSet<string>(StringComparer.Ordinal) { standing.Adapter.Sha256 };
        kept.UnionWith(standing.Fold.Select(fold => fold.Sha256));
        kept.UnionWith(standing.Round.Updates.Values.Select(update => update.Header.Sha256));
        kept.UnionWith(Blobs(standing.Optimizer));
        kept.UnionWith(standing.Recent.Select(round => round.Record));
        foreach (var round in standing.Recent)
            kept.UnionWith(await FoldAsync(standing, round, cancellationToken));
        for (var round = rules.AdapterRounds < 0 ? standing.Paged + 1 : Math.Max(1, done - rules.AdapterRounds); round <= done; round++)
            kept.Add(At(standing, round)!.Adapter.Sha256);
        if (At(standing, 1) is { } first)
            kept.Add(_first ??= (await blobs.GetJsonAsync<RoundRecord>(first.Record, cancellationToken)).Before.Sha256);
        var oldest = rules.UpdateRounds < 0 ? 1 : Math.Max(1, done - rules.UpdateRounds + 1);
        for (var round = oldest; round <= done; round++)
            kept.UnionWith(await InputsAsync(At(standing, round)!, cancellationToken));
        foreach (var gone in _inputs.Keys.Where(round => round < oldest).ToList())
            _inputs.Remove(gone);
        return kept;
    }

    private RoundSummary? At(FederationStanding standing, int round) => round < 1 || round > standing.RoundsDone ? null
        : round > standing.Paged ? standing.Recent[round - standing.Paged - 1] : _paged[round - 1];

    private async Task ReadPagesAsync(FederationStanding standing)
    {
        while (_paged.Count < standing.Paged)
        {
            var read = await readPage(_paged.Count / FederationStanding.PageSize);
            if (read.Length == 0)
                throw new FedLoraException("history-missing",
                    $"Rounds {_paged.Count + 1} and on of '{standing.Name}' are not in the store.",
                    "Put a backup of the coordinator's data folder in its place.");
            // Another reader may have been quicker.
            if (read[0].Round != _paged.Count + 1)
                continue;
            _paged.AddRange(read);
            _pagedBlobs.UnionWith(read.Select(round => round.Record));
            foreach (var round in read)
                _pagedBlobs.UnionWith(await FoldAsync(standing, round, CancellationToken.None));
            if (standing.Definition.Retention.AdapterRounds < 0)
                _pagedBlobs.UnionWith(read.Select(round => round.Adapter.Sha256));
        }
    }

    // Of every round, also where many have become one: an earlier adapter is exported with those before it.
    private async Task<string[]> FoldAsync(FederationStanding standing, RoundSummary round, CancellationToken cancellationToken)
    {
        if (round.Fold is { } fold)
            return [fold.Sha256];
        if (!Methods.Get(standing.Definition.Method).Traits.Folds)
            return [];
        // Rounds of an older program say it in their record only.
        if (!_olderFolds.TryGetValue(round.Round, out var older))
            _olderFolds[round.Round] = older =
                (await blobs.GetJsonAsync<RoundRecord>(round.Record, cancellationToken)).Fold?.Sha256 is { } hash ? [hash] : [];
        return older;
    }

    private async Task<string[]> InputsAsync(RoundSummary round, CancellationToken cancellationToken)
    {
        if (_inputs.TryGetValue(round.Round, out var known))
            return known;
        var record = await blobs.GetJsonAsync<RoundRecord>(round.Record, cancellationToken);
        return _inputs[round.Round] = [.. record.Updates.Select(update => update.Header.Sha256), .. Blobs(record.Optimizer),
            record.Before.Sha256];
    }

    private static string[] Blobs(OptimizerMemory? memory) => [.. memory?.Blobs().Select(blob => blob.Sha256) ?? []];
}
