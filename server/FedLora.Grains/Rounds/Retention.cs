namespace FedLora.Grains;

/// <summary>Deletes what a federation need no longer keep. Content that a kept round also uses stays.</summary>
internal static class Retention
{
    public static async Task PruneAsync(IBlobStore blobs, RetentionSpec rules, FederationRecord federation, CancellationToken cancellationToken)
    {
        var history = federation.History;
        var kept = new HashSet<string>(StringComparer.Ordinal) { federation.Adapter!.Sha256 };
        kept.UnionWith(federation.Fold.Select(fold => fold.Sha256));
        if (rules.UpdateRounds >= 0 && history.Count > rules.UpdateRounds)
        {
            foreach (var round in history.TakeLast(rules.UpdateRounds))
                kept.UnionWith((await blobs.GetJsonAsync<RoundRecord>(round.Record, cancellationToken)).Updates.Select(update => update.Header.Sha256));
            var leaving = await blobs.GetJsonAsync<RoundRecord>(history[^(rules.UpdateRounds + 1)].Record, cancellationToken);
            foreach (var update in leaving.Updates.Where(update => !kept.Contains(update.Header.Sha256)))
                await blobs.DeleteAsync(update.Header.Sha256, cancellationToken);
        }

        if (rules.AdapterRounds >= 0 && history.Count > rules.AdapterRounds + 1)
        {
            kept.UnionWith(history.TakeLast(rules.AdapterRounds + 1).Select(round => round.Adapter.Sha256));
            var leaving = history[^(rules.AdapterRounds + 2)].Adapter.Sha256;
            if (!kept.Contains(leaving))
                await blobs.DeleteAsync(leaving, cancellationToken);
        }
    }
}
