namespace FedLora.Grains;

/// <summary>Deletes what a federation need no longer keep. Content that a kept round also uses stays.</summary>
internal static class Retention
{
    public static async Task PruneAsync(IBlobStore blobs, RetentionSpec rules, FederationRecord federation, CancellationToken cancellationToken)
    {
        var history = federation.History;
        var kept = new HashSet<string>(StringComparer.Ordinal) { federation.Adapter!.Sha256 };
        kept.UnionWith(federation.Fold.Select(fold => fold.Sha256));
        if (federation.Optimizer is { } current)
            kept.UnionWith(Blobs(current));
        if (rules.UpdateRounds >= 0 && history.Count > rules.UpdateRounds)
        {
            foreach (var round in history.TakeLast(rules.UpdateRounds))
                kept.UnionWith(Inputs(await blobs.GetJsonAsync<RoundRecord>(round.Record, cancellationToken)));
            var leaving = await blobs.GetJsonAsync<RoundRecord>(history[^(rules.UpdateRounds + 1)].Record, cancellationToken);
            foreach (var input in Inputs(leaving).Where(input => !kept.Contains(input)))
                await blobs.DeleteAsync(input, cancellationToken);
        }

        if (rules.AdapterRounds >= 0 && history.Count > rules.AdapterRounds + 1)
        {
            kept.UnionWith(history.TakeLast(rules.AdapterRounds + 1).Select(round => round.Adapter.Sha256));
            var leaving = history[^(rules.AdapterRounds + 2)].Adapter.Sha256;
            if (!kept.Contains(leaving))
                await blobs.DeleteAsync(leaving, cancellationToken);
        }
    }
    /// <summary>Every blob that a federation still refers to.</summary>
    /// <param name="open">The updates of its open round.</param>
    public static async Task<IReadOnlySet<string>> KeptAsync(IBlobStore blobs, FederationRecord federation, IEnumerable<StoredUpdate> open, CancellationToken cancellationToken)
    {
        var kept = new HashSet<string>(StringComparer.Ordinal);
        if (federation.Definition is not { } definition)
            return kept;
        kept.Add(federation.Adapter!.Sha256);
        kept.UnionWith(federation.Fold.Select(fold => fold.Sha256));
        kept.UnionWith(open.Select(update => update.Header.Sha256));
        if (federation.Optimizer is { } current)
            kept.UnionWith(Blobs(current));
        var history = federation.History.ToList();
        kept.UnionWith(history.SelectMany(round => new[] { round.Record, round.Adapter.Sha256 }));
        var rules = definition.Retention;
        // The first record names the adapter that all began with.
        foreach (var (round, index) in history.Select((round, index) => (round, index)).Where(entry => entry.index == 0 || rules.UpdateRounds < 0 || entry.index >= history.Count - rules.UpdateRounds).ToList())
        {
            var record = await blobs.GetJsonAsync<RoundRecord>(round.Record, cancellationToken);
            kept.Add(record.Before.Sha256);
            if (rules.UpdateRounds < 0 || index >= history.Count - rules.UpdateRounds)
                kept.UnionWith(Inputs(record));
        }

        return kept;
    }

    // What only a replay of the round needs.
    private static IEnumerable<string> Inputs(RoundRecord record) =>
        record.Updates.Select(update => update.Header.Sha256).Concat(record.Optimizer is { } memory ? Blobs(memory) : []);

    private static string[] Blobs(OptimizerMemory memory) => [memory.Mean.Sha256, memory.Root.Sha256];
}
